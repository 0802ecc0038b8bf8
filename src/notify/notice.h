// One notice to one recipient, and what became of it: what the outbox of a server and qrx-share hand to a transport.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/clock.h"
#include "wire/id.h"
#include "wire/recipient.h"

namespace qrx::notify {

struct Notice {
  Id id;  // the same at each attempt: transports that know idempotency keys use it (Matrix txnId, Message-ID)
  wire::Recipient to;
  std::string from;     // the label of the space: who shares; hostile text, may be empty
  std::string message;  // the sharer's own words; hostile text, may be empty
  std::string link;     // the recipient's own link
  std::string summary;  // what there is: "3 files, 12 MB"
  std::optional<WallTime> expires;
};

struct Outcome {
  enum class State : std::uint8_t {
    sent,     // the other side took it
    failed,   // it will not get better: a refused address, a wrong password, no such transport
    later,    // trouble that may pass; try again after retry_after, or when the sender of notices thinks fit
    unknown,  // it may or may not have been taken (the connection ended after the last byte): never tried again by
              // itself
  };
  State state = State::failed;
  std::string reason;  // one line: "550 5.1.1 no such user"
  std::optional<Seconds> retry_after;
};

}  // namespace qrx::notify
