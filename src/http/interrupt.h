// A flag that ends waiting: raised by a signal handler or another thread, seen by every wait that polls its descriptor.
#pragma once

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>

#include "base/unique_fd.h"

namespace qrx::http {

// May be shared by many clients. Once raised it stays raised.
class Interrupt {
 public:
  Interrupt() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  // Async-signal-safe, any thread, any number of times.
  void raise() noexcept {
    const int saved = errno;
    raised_.store(true, std::memory_order_release);
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then it is readable already.
    [[maybe_unused]] const auto written = ::write(fd_.get(), &one, sizeof one);
    errno = saved;
  }
  bool raised() const noexcept { return raised_.load(std::memory_order_acquire); }
  int fd() const noexcept { return fd_.get(); }  // readable once raised; -1 when the process has no descriptors left

 private:
  UniqueFd fd_;
  std::atomic<bool> raised_{false};
};

}  // namespace qrx::http
