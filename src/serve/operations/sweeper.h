// The thread that deletes what has expired, inside a running server.
#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>

#include "base/clock.h"
#include "serve/log.h"
#include "serve/site.h"

namespace qrx::serve {

// Sweeps shortly after its start and then every half minute, on the steady clock.
class Sweeper {
 public:
  explicit Sweeper(Site& site);
  ~Sweeper();  // ends the thread; a sweep that runs is asked to stop

 private:
  void run();
  void sweep();

  Site& site_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::stop_source stop_;
  std::string told_;  // the failures of the last sweep: the same ones are not told again
  std::thread thread_;
};

}  // namespace qrx::serve
