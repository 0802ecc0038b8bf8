// Sends one delivery into a space: several files as one, resumed after cuts and in a second run.
// Prints nothing, ends nothing; tells by callbacks.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "send/sources.h"
#include "wire/link.h"
#include "wire/messages.h"

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
  std::uint64_t most_rate = 0;          // bytes a second; 0: no limit
  unsigned connections = 4;             // for small files
  std::size_t stream_piece = 8U << 20;  // a stream is acknowledged in pieces of at most this, kept in memory until then
  Millis give_up{120'000};  // without any progress; then Kind::unavailable. A server may hold an upload for a
                            // connection that died silently for a minute
  Millis first_retry{250};  // doubled each time, with jitter
  Millis most_retry{10'000};
};

// A file that the server has; the message itself, under the name "-", when that is all that was sent. The sums are of
// the plain file; of a sealed one, both sides compared those of its item.
struct SentFile {
  std::string name;
  std::uint64_t size = 0;
  Xxh128Sum xxh128{};
  std::optional<Sha256Sum> sha256;
  bool sealed = false;
};

// Called one at a time, from any thread, while send() runs. Each may be empty.
struct SenderEvents {
  // What the other side took so far of all files together, what a first run sent included; total is absent while a
  // stream runs. The last call, with bytes == total, comes after the server's answer, never before.
  std::function<void(std::uint64_t bytes, std::optional<std::uint64_t> total)> progress;
  std::function<void(const SentFile&)> sent;  // complete on the server, sums equal; not yet committed
  std::function<void(const std::string&)> notice;
  std::function<void(const std::string&)> retry;  // "lost the connection to host; retrying in 2 s"
};

struct SentDelivery {
  Id delivery;
  std::vector<SentFile> files;  // in the order of the sources; committed and durable
  bool resumed = false;         // a first run had begun it
};

class Sender {
 public:
  Sender(DropLink link, SenderOptions options, SenderEvents events = {});
  ~Sender();

  // Asks the server what may be sent: label, limits, key. Not retried for long: fails fast when nobody answers.
  // Kind::not_found when the space is unknown or has expired, Kind::gone when it is closed; Kind::usage for a key that
  // is none, and with SealChoice::require when the link has none; Kind::denied when the space takes sealed files only
  // and these would not be; Kind::integrity when the server names another key than the link.
  Result<wire::DropInfo> look();
  bool seals() const;  // whether send() seals: the link has a key, and sealing is not switched off

  // What look() says against what is to be sent: Kind::too_large before a byte is sent. Sealed files are a little
  // larger.
  static Result<void> check_limits(const wire::DropInfo& drop, const SourceList& sources, bool sealed = false);

  // Sends and commits. Without sources the message is the delivery: a text. Retries network and server trouble until
  // options.give_up has passed without progress. On failure the state is kept, so that the same call in a later run
  // goes on; a source that changed meanwhile is sent anew. Kind::integrity when a source changes while it is sent, or
  // the server's sum differs.
  Result<SentDelivery> send(const SourceList& sources);

  // Async-signal-safe, any thread: send() and look() end soon with Kind::unavailable; the state is kept.
  void interrupt();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::send
