// Sends one delivery into a space: several files as one, resumed after cuts and in a second run.
// Prints nothing, ends nothing; tells by callbacks.
#pragma once

#include <memory>

#include "base/result.h"
#include "send/sender_options.h"
#include "send/sent.h"
#include "send/sources.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::send {

class Sender {
 public:
  Sender(wire::DropLink link, SenderOptions options, SenderEvents events = {});
  ~Sender();

  // Asks the server what may be sent: label, limits, key. Not retried for long: fails fast when nobody answers.
  // Kind::not_found when the space is unknown or has expired, Kind::gone when it is closed; Kind::usage for a
  // malformed key, and with SealChoice::require when the link has none; Kind::denied when the space takes sealed files
  // only and these would not be; Kind::integrity when the server names another key than the link.
  Result<wire::DropInfo> look();
  bool seals() const;  // whether send() seals: the link has a key, and sealing is not switched off

  // What look() says against what is to be sent: Kind::too_large before a byte is sent. Sealed files are a little
  // larger.
  static Result<void> check_limits(const wire::DropInfo& drop, const SourceList& sources, bool sealed = false);

  // Sends and commits. Without sources the message is the delivery: a text. Retries network and server trouble until
  // options.retry.give_up has passed without progress. On failure the state is kept, so that the same call in a later
  // run goes on; a source that changed meanwhile is sent anew. Kind::integrity when a source changes while it is sent,
  // or the server's sum differs.
  Result<SentDelivery> send(const SourceList& sources);

  // Async-signal-safe, any thread: send() and look() end soon with Kind::unavailable; the state is kept.
  void interrupt();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::send
