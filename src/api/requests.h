// What the clients of a server's API are made of: one connection, refusals as errors, and what the last answer asked
// for.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "http/interrupt.h"
#include "wire/link.h"

namespace qrx::api {

// One thread at a time. Errors as refusals.h has them.
class Requests {
 public:
  Requests(const wire::Origin& origin, http::ClientOptions options);

  // How long the last answer asked to wait before the next attempt.
  std::optional<Millis> asked_pause() const { return asked_pause_; }
  void close() { http_.close(); }

 protected:
  // The answer when it grants what was asked for, else the error: "cannot DOING: the server's words".
  Result<http::ClientAnswer> granted(Result<http::ClientAnswer> answer, const std::string& doing);

  // Ends what runs, and every later request; that of the options, or one of its own.
  const std::shared_ptr<http::Interrupt> interrupt_;
  http::Client http_;

 private:
  std::optional<Millis> asked_pause_;
};

}  // namespace qrx::api
