// One large file by one resumable upload: a PATCH to the end, and after trouble HEAD and the rest.
#pragma once

#include <cstddef>

#include "api/drop_client.h"
#include "base/result.h"
#include "send/send_job.h"

namespace qrx::send {

// Goes on with the upload of an earlier run, when job.state knows one.
Result<void> send_large_file(SendJob& job, api::DropClient& client, std::size_t item);

}  // namespace qrx::send
