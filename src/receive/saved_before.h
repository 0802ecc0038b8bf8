// What an earlier run of this delivery was killed with: files that have their names already, or are whole but for it.
#pragma once

#include <cstddef>

#include "api/owner_client.h"
#include "base/result.h"
#include "receive/delivery_progress.h"

namespace qrx::receive {

// True when the file is saved by that run, by its record and by its bytes, which are compared; or is now, from what
// that run has left. It is told to the delivery. False: it is to be fetched.
Result<bool> saved_before(DeliveryProgress& delivery, api::OwnerClient& client, std::size_t index);

}  // namespace qrx::receive
