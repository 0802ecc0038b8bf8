// What a running delivery does when the ground moved under it: files that changed since they were checked, and a server
// that was ended and lost what it had not yet made durable.
#pragma once

#include "base/result.h"
#include "transfer/drop_client.h"
#include "transfer/send_job.h"

namespace qrx::transfer {

// Files that are not as they were found and that the server does not have whole: from now on they are streams, read to
// their end whatever their size says, so that what is sent is what was read. True when there was one; then the plan of
// a sealed delivery is to be made anew, for no secret may seal two contents.
bool stream_what_moved(SendJob& job, DropClient& client);

enum class Lost : std::uint8_t {
  nothing,   // and yet the server refuses: it has an upload that nobody knows, the answer to its creation was lost
  files,     // some: they are no longer done
  delivery,  // all of it, but the space is there
};
// Asks the server what it has. Kind::not_found: the space is gone. Kind::unavailable: a stream is lost, which nobody
// can read again.
Result<Lost> look_for_losses(SendJob& job, DropClient& client);

}  // namespace qrx::transfer
