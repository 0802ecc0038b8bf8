#include "receive/joined_call.h"

namespace qrx::receive {

bool JoinedCall::run(const std::function<bool()>& call) {
  std::unique_lock lock(mutex_);
  // One that runs already may have passed by what the caller did before.
  const std::uint64_t needed = begun_ + 1;
  while (ended_ < needed) {
    if (running_) {
      ended_one_.wait(lock);
      continue;
    }
    running_ = true;
    const std::uint64_t number = ++begun_;
    lock.unlock();
    const bool done = call();
    lock.lock();
    running_ = false;
    ended_ = number;
    if (!done) failed_ = number;
    ended_one_.notify_all();
  }
  return failed_ < needed;
}

}  // namespace qrx::receive
