// Deliveries as parts of JSON messages. Private to src/wire.
#pragma once

#include "wire/delivery.h"
#include "wire/json.h"

namespace qrx::wire {

DeliveryInfo read_delivery(const json& in);
json write(const DeliveryInfo& delivery, const AddressOf& address_of);

}  // namespace qrx::wire
