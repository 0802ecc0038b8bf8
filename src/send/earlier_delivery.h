// What an earlier run left at the server, compared with the sources as they are now.
#pragma once

#include "base/result.h"
#include "send/resume_state.h"
#include "send/send_job.h"
#include "wire/messages.h"

namespace qrx::send {

// Reads the sources that the server has whole, and marks those that are right as done in `job`. False when one of them
// changed and cannot be replaced: then the delivery is of no use.
Result<bool> believe(SendJob& job, const wire::DeliveryState& there, const ResumeState& state);

}  // namespace qrx::send
