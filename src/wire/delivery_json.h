// Deliveries as parts of JSON messages. Private to src/wire.
#pragma once

#include "wire/delivery.h"
#include "wire/json.h"

namespace qrx::wire {

DeliveryInfo read_delivery(const JsonValue& in);
ListText write(const std::vector<DeliveryInfo>& deliveries, const AddressOf& address_of);

}  // namespace qrx::wire
