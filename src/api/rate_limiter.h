// A limit on the rate of sending, shared by all connections.
#pragma once

#include <cstdint>
#include <mutex>

#include "base/clock.h"
#include "http/interrupt.h"

namespace qrx::api {

// Thread-safe. 0 bytes a second: no limit.
class RateLimiter {
 public:
  explicit RateLimiter(std::uint64_t bytes_per_second) : rate_(bytes_per_second) {}

  // How many bytes to move at once at most, so that a slow rate is even.
  std::size_t piece(std::size_t most) const;
  // Waits until so many bytes may go; false when interrupted.
  bool take(std::uint64_t bytes, const http::Interrupt& interrupt);

 private:
  std::uint64_t rate_;
  std::mutex mutex_;
  Steady next_{};  // when the bytes taken so far are through
};

}  // namespace qrx::api
