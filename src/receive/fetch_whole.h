// Small items that are of no use in part, whole in memory: the list of a sealed delivery, and packs.
#pragma once

#include <string>

#include "base/result.h"
#include "receive/receive_job.h"
#include "wire/messages.h"

namespace qrx::receive {

// Compared with what the server says of it. By a link that gives its files a number of times only all but the last byte
// is asked for, and that follows from the sum: it counts, and the caller asks for it when what the item holds is safe
// (ask_for_last_byte()). Blocks; retries trouble. Kind::integrity when it arrives damaged twice; then it is called
// `name`.
Result<std::string> fetch_whole(const ReceiveJob& job, const wire::FileInfo& info, const std::string& name);

}  // namespace qrx::receive
