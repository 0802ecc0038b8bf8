// What an earlier run had taken whole, and was killed before it had its name: finished without the server, which may
// not give it again.
#pragma once

#include <vector>

#include "receive/receive_job.h"
#include "receive/received.h"

namespace qrx::receive {

// By the record of that run, each file compared with its sum; told as events. Without what only the server knows: the
// message, and the names as they were sent. Those that are not whole stay as they are. One entry a delivery.
std::vector<SavedDelivery> name_what_is_whole(const ReceiveJob& job);

}  // namespace qrx::receive
