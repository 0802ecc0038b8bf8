// What is known of a space between runs: what earlier ones finished of it, and what is still there to be saved.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "http/client.h"
#include "receive/saved_record.h"
#include "wire/id.h"
#include "wire/link.h"

namespace qrx::receive {

// As ReceiverOptions::state_dir remembers it of earlier runs.
Finished what_is_finished(const std::string& state_dir, const Guid& guid);
// To forget it: a later run saves all anew, but still refuses what was taken sealed under another name before.
void forget_finished(const std::string& state_dir, const Guid& guid);
// And all else that was remembered of a space, when that is gone.
void forget_received(const std::string& state_dir, const Guid& guid);

// Senders who were not told yet what became of what they sent are told, as far as the server can be asked: a run may
// have been killed in between. Not while a Receiver of that space runs.
void tell_senders(const std::string& state_dir, const wire::OwnerLink& link, const http::ClientOptions& client);

// What is still in a space for its receiver.
struct Unsaved {
  std::uint64_t held = 0;        // committed deliveries, all of them
  std::uint64_t deliveries = 0;  // those of them that are not saved
  std::uint64_t files = 0;       // of those
  std::uint64_t bytes = 0;
};
// With `close` the space takes no new deliveries from now on, so that what was found is all that there will be, but for
// those that are being uploaded. Kind::not_found when it is gone.
Result<Unsaved> find_unsaved(const wire::OwnerLink& link, const http::ClientOptions& client, const Finished& finished,
                             bool close);

}  // namespace qrx::receive
