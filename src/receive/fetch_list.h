// The list of a sealed delivery, by a link that gives its files a number of times only.
#pragma once

#include <string>

#include "base/result.h"
#include "receive/receive_job.h"
#include "wire/messages.h"

namespace qrx::receive {

// All but its last byte is asked for, and that follows from the sum: it counts, and is asked for when the words of the
// list are kept (kept_lists.h). Blocks; retries trouble. Kind::integrity when it arrives damaged twice.
Result<std::string> fetch_list(const ReceiveJob& job, const wire::FileInfo& info);

}  // namespace qrx::receive
