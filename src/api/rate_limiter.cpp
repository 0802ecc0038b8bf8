#include "api/rate_limiter.h"

#include <algorithm>

#include "api/retry.h"

namespace qrx::api {

std::size_t RateLimiter::piece(std::size_t most) const {
  if (rate_ == 0) return most;
  // A tenth of a second's worth: less a call would cost more calls, more would come in bursts.
  return static_cast<std::size_t>(std::clamp<std::uint64_t>(rate_ / 10, 1, most));
}

bool RateLimiter::take(std::uint64_t bytes, const http::Interrupt& interrupt) {
  if (rate_ == 0) return true;
  // The wait itself is without the lock: the others take their turn behind next_ meanwhile.
  Millis wait{0};
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    // At most a tenth of a second's worth is made up for after a pause.
    next_ = std::max(next_, now - Millis{100});
    next_ += std::chrono::duration_cast<Steady::duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) / static_cast<double>(rate_)));
    wait = std::chrono::ceil<Millis>(next_ - now);
  }
  return wait <= Millis{0} || sleep_interruptible(interrupt, wait);
}

}  // namespace qrx::api
