// The check of all that is stored, inside a running server: one at a time, in a thread of its own.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "base/result.h"
#include "serve/log.h"
#include "space/spaces.h"

namespace qrx::serve {

// What a check has found and not told yet: from its thread to the answer that takes it. Thread-safe.
class CheckLines {
 public:
  void put(std::string line, bool last);
  // The next line; nothing when there is none yet, or at the end.
  std::optional<std::string> take();
  bool ended() const;     // the last line was taken
  std::stop_source stop;  // asked for when nobody listens any more, and at the end of the server

 private:
  mutable std::mutex mutex_;
  std::deque<std::string> queue_;
  bool last_was_put_ = false;
};

// Thread-safe.
class CheckRun {
 public:
  // `wake` wakes what waits for a topic. All outlive it.
  CheckRun(space::Spaces& spaces, const Log& log, const std::function<void(const Id&)>& wake)
      : spaces_(spaces), log_(log), wake_(wake) {}
  ~CheckRun() { end(); }

  // Begins one, and gives its lines (control_lines.h). Null: the one before has not ended, or there is no
  // thread for it.
  std::shared_ptr<CheckLines> start();
  void await();
  void end();  // asks it to stop and waits; before the front goes that it wakes

  // Woken when there are lines. Whoever wakes it every few seconds keeps the client from giving up.
  const Id topic = Id::random();

 private:
  void run(CheckLines& lines);

  space::Spaces& spaces_;
  const Log& log_;
  const std::function<void(const Id&)>& wake_;
  std::mutex mutex_;  // of the thread's handle
  std::atomic<bool> running_{false};
  std::stop_source stop_;  // of the check that runs
  std::thread thread_;
};

}  // namespace qrx::serve
