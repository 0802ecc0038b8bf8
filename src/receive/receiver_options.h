// What is to be received, and how.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "api/retry.h"
#include "base/clock.h"
#include "http/client.h"
#include "seal/keys.h"

namespace qrx::receive {

struct ReceiverOptions {
  http::ClientOptions client;
  std::uint64_t count = 1;         // deliveries after which run() ends; 0: until interrupted or the space is gone.
                                   // What came before it deletes the space is saved too
  bool present_only = false;       // fetch what the space holds now and end; Kind::timed_out when it holds nothing.
                                   // `count` is ignored. For a link given to download from
  std::optional<Millis> timeout;   // no delivery for this long, and none coming in: Kind::timed_out
  std::optional<Millis> interval;  // ask at this interval instead of waiting on the server
  bool sha256 = false;
  std::shared_ptr<const seal::Identity> identity;  // opens what is sealed to it; null: everything is saved as it came
  bool only_sealed = false;                        // with it: whatever was not opened is Kind::integrity
  bool refuse_sealed = false;                      // without it: whatever would have to be opened is Kind::integrity
  bool follow_uploads = true;                      // fetch files while they are still being uploaded
  bool keep = false;         // leave the space on the server; otherwise it is deleted after the last delivery
  bool take_up = false;      // what an earlier run with this state finished is passed over
  bool clear = false;        // what is saved, and its sender was told so, goes from the server, though the space stays
  bool remember = false;     // what was finished, also after the end: until forget_finished()
  Millis linger{0};          // before it is deleted: for so long senders are told that it takes no more
  std::string state_dir;     // "$XDG_STATE_HOME/qrx/recv": remembers what a killed run had saved, so that the
                             // next one does not save it twice, and what was taken sealed (seen_seals.h);
                             // made with mode 0700; empty: nothing is kept
  unsigned connections = 4;  // transfers at the same time
  // give_up: the server is away for so long; then Kind::unavailable.
  api::RetryPolicy retry{.give_up = Millis{300'000}};
};

}  // namespace qrx::receive
