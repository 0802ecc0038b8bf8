// What a running delivery does when the server was ended and lost what it had not yet made durable.
#pragma once

#include "api/drop_client.h"
#include "base/result.h"
#include "send/send_job.h"

namespace qrx::send {

enum class Lost : std::uint8_t {
  nothing,   // and yet the server refuses: it has an upload that nobody knows, the answer to its creation was lost
  files,     // some: they are no longer done
  delivery,  // all of it, but the space is there
};
// Asks the server what it has. Kind::not_found: the space is gone. Kind::unavailable: a stream is lost, which nobody
// can read again.
Result<Lost> look_for_losses(SendJob& job, api::DropClient& client);

}  // namespace qrx::send
