// Closing files that take long to close.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"

namespace qrx::store {

// The last descriptor of a removed file takes its blocks and its page cache along when it is closed: 0.3 s for a GiB on
// ext4. A thread of its own does that, so that nobody's answer waits for it. Thread-safe.
class DeferredClose {
 public:
  DeferredClose() = default;
  DeferredClose(const DeferredClose&) = delete;
  DeferredClose& operator=(const DeferredClose&) = delete;
  ~DeferredClose();  // closes what is left

  // When many wait already it closes at once: descriptors are few.
  void close_later(UniqueFd file);

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<UniqueFd> files_;
  bool ending_ = false;
  std::thread thread_;  // from the first file on
};

}  // namespace qrx::store
