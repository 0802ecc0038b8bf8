// What an earlier run had taken whole, and was killed before it had its name: finished without the server, which may
// not give it again.
#pragma once

#include <vector>

#include "receive/receive_job.h"
#include "receive/received.h"

namespace qrx::receive {

// For when the server gives no list. By the record of that run, each file compared with its sum; those that are not
// whole stay as they are. `gone`: the server says that it gives nothing any more; then one that lacks only its last
// byte is whole, too (counted_file.h). They are told as saved by tell_named() when the server has them no more, without
// what only it knows (the message, names as they were sent); else by save_delivery(), which finds them under their
// names once it is back. One entry a delivery.
std::vector<SavedDelivery> name_what_is_whole(const ReceiveJob& job, bool gone);
void tell_named(const ReceiveJob& job, const std::vector<SavedDelivery>& named);

}  // namespace qrx::receive
