// What an earlier run had taken whole, and was killed before it had its name: finished without the server, which may
// not give it again.
#pragma once

#include <vector>

#include "receive/receive_job.h"
#include "receive/received.h"

namespace qrx::receive {

// By the record of that run, each file compared with its sum. Those that are not whole stay as they are. Told are they
// later: by save_delivery(), which finds them under their names, when the server shows their delivery, and by
// tell_named() when it does not, without what only the server knows (the message, names as they were sent). One entry a
// delivery.
std::vector<SavedDelivery> name_what_is_whole(const ReceiveJob& job);
void tell_named(const ReceiveJob& job, const std::vector<SavedDelivery>& named);

}  // namespace qrx::receive
