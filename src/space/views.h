// What readers see of what is committed, as messages.
// Private to src/space.
#pragma once

#include <vector>

#include "space/model.h"
#include "wire/messages.h"

namespace qrx::space {

std::vector<wire::DeliveryInfo> to_infos(std::vector<CommittedPage::Delivery> deliveries);  // url members are empty

}  // namespace qrx::space
