// Trying again after trouble of network or server: how long is waited in between, when it ends, and the one call that
// does it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/interrupt.h"

namespace qrx::api {

struct RetryPolicy {
  Millis first{250};       // the first pause; doubled each time
  Millis most{10'000};     // the longest pause, unless the server asks for a longer one
  Millis give_up{60'000};  // without progress
};

// For give_up: somebody else ends the attempts.
inline constexpr Millis never = std::chrono::hours{24 * 365};

// False when the interrupt was raised meanwhile.
bool sleep_interruptible(const http::Interrupt& interrupt, Millis time);

// The pauses between attempts: exponential, with jitter. One thread at a time.
class Backoff {
 public:
  // "lost the connection to host; retrying in 2 s". `counting`: of the same pause, with a second less.
  using Notice = std::function<void(const std::string& text, bool counting)>;
  // `notice` is told before each pause, and each second of it. It may be null.
  Backoff(const http::Interrupt& interrupt, RetryPolicy policy, Notice notice);

  void progress();  // something went on: the pauses start small again
  // Pauses before the next attempt. `after` comes back when trying again is of no use, when the time without progress
  // is over, or when interrupted.
  Result<void> wait(const Error& after, std::optional<Millis> server_asks = std::nullopt);

 private:
  const http::Interrupt& interrupt_;
  RetryPolicy policy_;
  Notice notice_;
  Steady since_;
  Millis next_;
};

// What is done after a failed attempt. A judge may also answer with an error, which ends the attempts.
enum class Next : std::uint8_t { pause, at_once };
using Asked = std::optional<Millis>;  // how long the server asked to be left alone

// Calls `attempt` until it succeeds or trying again is of no use. After each failure the connection of `client` is
// closed: what comes on it may belong to what failed. Then `judge` says what is next. An attempt that got on before it
// failed says so by backoff.progress().
template <class Client, class Attempt, class Judge>
auto retry(Client& client, Backoff& backoff, Attempt attempt, Judge judge) -> decltype(attempt()) {
  for (;;) {
    auto result = attempt();
    if (result) return result;
    const Asked asked = client.asked_pause();
    client.close();
    const Result<Next> next = judge(result.error(), asked);
    if (!next) return tl::unexpected(next.error());
    if (*next == Next::at_once) continue;
    if (auto go_on = backoff.wait(result.error(), asked); !go_on) return tl::unexpected(go_on.error());
  }
}

template <class Client, class Attempt>
auto retry(Client& client, Backoff& backoff, Attempt attempt) -> decltype(attempt()) {
  return retry(client, backoff, attempt, [](const Error&, Asked) -> Result<Next> { return Next::pause; });
}
template <class Client, class Attempt>
auto retry(Client& client, Backoff&& backoff, Attempt attempt) -> decltype(attempt()) {
  return retry(client, backoff, attempt);
}

}  // namespace qrx::api
