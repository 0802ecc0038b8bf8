// A stream of unknown length: pieces in memory until the server has acknowledged them, so that a cut loses nothing.
#pragma once

#include <cstddef>

#include "api/drop_client.h"
#include "base/result.h"
#include "send/send_job.h"

namespace qrx::send {

// Reads `fd` to its end.
Result<void> send_stream(SendJob& job, api::DropClient& client, std::size_t item, int fd);

}  // namespace qrx::send
