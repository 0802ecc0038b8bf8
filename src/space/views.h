// What readers and senders see of a space, as messages.
// Private to src/space.
#pragma once

#include <cstddef>
#include <vector>

#include "space/live.h"
#include "space/model.h"
#include "wire/messages.h"

namespace qrx::space {

std::vector<wire::DeliveryInfo> to_infos(std::vector<CommittedPage::Delivery> deliveries);

// The oldest uploads in progress, as many as a page has files. Takes the lock of the space, as the next does.
std::vector<wire::UploadInfo> uploads_of(LiveSpace& live, const PageSize& size);
// The oldest deliveries of several files that are not committed; each implicit one is an upload of its own.
std::vector<wire::OpenDelivery> open_deliveries_of(LiveSpace& live, std::size_t most);
wire::DropInfo drop_info(const SpaceLock&, const LiveSpace& live);  // with what is left of the limits

}  // namespace qrx::space
