#include "store/deferred_close.h"

#include <system_error>
#include <utility>

namespace qrx::store {
namespace {

constexpr std::size_t most_waiting = 64;

}  // namespace

DeferredClose::~DeferredClose() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DeferredClose::close_later(UniqueFd file) {
  const std::lock_guard lock(mutex_);
  if (files_.size() >= most_waiting) return;  // `file` closes after the lock: parameters outlive locals
  if (!thread_.joinable()) {
    try {
      thread_ = std::thread(&DeferredClose::run, this);
    } catch (const std::system_error&) {
      return;  // no thread to be had: closed here
    }
  }
  files_.push_back(std::move(file));
  more_.notify_one();
}

void DeferredClose::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return ending_ || !files_.empty(); });
    // Ending: only when all are closed.
    if (files_.empty()) return;
    UniqueFd file = std::move(files_.front());
    files_.pop_front();
    lock.unlock();
    // Without the lock, for this is what takes long.
    file.reset();
    lock.lock();
  }
}

}  // namespace qrx::store
