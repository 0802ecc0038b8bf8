// The manifest of a sealed delivery, before everything else.
#pragma once

#include "api/drop_client.h"
#include "base/result.h"
#include "send/send_job.h"

namespace qrx::send {

// Nothing without a plan, or when the server has it.
Result<void> send_manifest(SendJob& job, api::DropClient& client);

}  // namespace qrx::send
