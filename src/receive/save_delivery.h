// Saves a committed delivery: what was followed, and what has to be fetched; verified, published, durable.
#pragma once

#include "base/result.h"
#include "receive/delivery_progress.h"
#include "receive/receive_job.h"
#include "receive/received.h"
#include "wire/messages.h"

namespace qrx::receive {

// Blocks. What was saved of a delivery that fails stays, and is remembered.
Result<SavedDelivery> save_delivery(const ReceiveJob& job, const wire::DeliveryInfo& delivery,
                                    const FollowedOf& followed_of);

}  // namespace qrx::receive
