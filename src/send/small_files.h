// Small files: pipelined over several connections, so that neither the way to the server nor a thread is idle.
#pragma once

#include <vector>

#include "base/result.h"
#include "send/send_job.h"

namespace qrx::send {

// Sends these items (all small), which are not done.
Result<void> send_small_files(SendJob& job, const std::vector<std::size_t>& items);

}  // namespace qrx::send
