// How a delivery is to be sent.
#pragma once

#include <cstdint>
#include <string>

#include "api/retry.h"
#include "base/clock.h"
#include "http/client.h"

namespace qrx::send {

enum class SealChoice : std::uint8_t {
  automatic,  // seal when the link has a key
  require,    // send nothing without one
  off,
};

struct SenderOptions {
  http::ClientOptions client;
  std::string state_dir;  // "$XDG_STATE_HOME/qrx/send"; made with mode 0700; empty: no second run goes on
  std::string message;    // shown to the receiver; what wire::check_message refuses is refused before a byte is sent
  bool sha256 = false;    // also compute SHA-256 of each file
  SealChoice seal = SealChoice::automatic;
  bool preserve = false;                // tell of each file whether it may be run; when it was modified is told always
  std::uint64_t most_rate = 0;          // bytes a second; 0: no limit
  unsigned connections = 4;             // for small files
  std::size_t stream_piece = 8U << 20;  // a stream is acknowledged in pieces of at most this, kept in memory until then
  // give_up: without any progress; then Kind::unavailable. A server may hold an upload for a connection that died
  // silently for a minute.
  api::RetryPolicy retry{.give_up = Millis{120'000}};
};

}  // namespace qrx::send
