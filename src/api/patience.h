// How long and how often to try again: exponential backoff with jitter, ended by an interrupt.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/interrupt.h"

namespace qrx::api {

struct PatienceLimits {
  Millis first{250};       // the first pause; doubled each time
  Millis most{10'000};     // the longest pause, unless the server asks for a longer one
  Millis give_up{60'000};  // without progress
};

// False when the interrupt was raised meanwhile.
bool pause(const http::Interrupt& interrupt, Millis time);

// One thread at a time.
class Patience {
 public:
  using Notice = std::function<void(const std::string&)>;
  Patience(const http::Interrupt& interrupt, PatienceLimits limits, Notice notice);

  void progress();  // something went on: the pauses start small again
  // Pauses before the next attempt. `after` comes back when trying again is of no use, when the time without progress
  // is over, or when interrupted.
  Result<void> wait(const Error& after, std::optional<Millis> server_asks = std::nullopt);

 private:
  const http::Interrupt& interrupt_;
  PatienceLimits limits_;
  Notice notice_;
  Steady since_;
  Millis next_;
};

}  // namespace qrx::api
