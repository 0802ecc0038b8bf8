#include "api/retry.h"

#include <poll.h>

#include <algorithm>

#include "api/refusals.h"
#include "base/random.h"

namespace qrx::api {

using std::chrono::steady_clock;

bool sleep_interruptible(const http::Interrupt& interrupt, Millis time) {
  const auto until = steady_clock::now() + time;
  while (!interrupt.raised()) {
    const auto left = std::chrono::ceil<Millis>(until - steady_clock::now()).count();
    if (left <= 0) return true;
    pollfd raised{interrupt.fd(), POLLIN, 0};
    // EINTR and wake-ups without a cause go round again. In pieces of 1,000 s, as poll(2) takes an int.
    static_cast<void>(::poll(&raised, 1, static_cast<int>(std::min<long long>(left, 1'000'000))));
  }
  return false;
}

Backoff::Backoff(const http::Interrupt& interrupt, RetryPolicy policy, Notice notice)
    : interrupt_(interrupt),
      policy_(policy),
      notice_(std::move(notice)),
      since_(steady_clock::now()),
      next_(policy.first) {}

void Backoff::progress() {
  since_ = steady_clock::now();
  next_ = policy_.first;
}

Result<void> Backoff::wait(const Error& after, std::optional<Millis> server_asks) {
  if (!is_temporary(after.kind) || interrupt_.raised()) return tl::unexpected(after);
  const auto left = std::chrono::floor<Millis>(since_ + policy_.give_up - steady_clock::now());
  // Half to whole of the pause, so that many clients do not come back at the same moment.
  const auto jitter = random_bytes<1>()[0];
  // From 256/512 to 511/512.
  Millis time = next_ * (256 + jitter) / 512;
  if (server_asks) time = std::max(time, *server_asks);
  if (left <= Millis{0} || time > left) {
    // A server that asks for more time than there is will not be better within it.
    if (left <= Millis{0} || server_asks) return tl::unexpected(after);
    time = left;
  }
  next_ = std::min(next_ * 2, policy_.most);
  const Steady until = steady_clock::now() + time;
  const bool counts = time >= Millis{1'000};
  Millis rest = time;
  do {
    const auto seconds = std::chrono::ceil<Seconds>(rest);
    if (notice_)
      notice_(after.what + (counts ? "; retrying in " + std::to_string(seconds.count()) + " s" : "; retrying"),
              rest != time);
    // To the next whole second, where a line on a terminal counts down.
    const Millis step = notice_ && counts ? rest - (seconds - Seconds{1}) : rest;
    if (!sleep_interruptible(interrupt_, step)) return tl::unexpected(after);
    rest = std::chrono::ceil<Millis>(until - steady_clock::now());
  } while (rest > Millis{0});
  return {};
}

}  // namespace qrx::api
