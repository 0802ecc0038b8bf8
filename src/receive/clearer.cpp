#include "receive/clearer.h"

#include <utility>

#include "receive/sender_news.h"

namespace qrx::receive {

Clearer::Clearer(const api::SpaceAddress& address, const http::ClientOptions& options, ReceiveTally& tally)
    : tally_(tally), client_(address, hurried(options)) {}

void Clearer::clear(std::span<const wire::DeliveryInfo> deliveries, const SavedRecord& record) {
  for (const auto& delivery : deliveries) {
    if (!able_ || !record.is_settled(delivery.delivery)) continue;
    const auto done = client_.clear_delivery(delivery.delivery);
    if (done) continue;
    client_.close();
    if (done.error().kind == Kind::not_found) able_ = false;  // it is not gone, it was listed: the server is too old
    if (done.error().kind == Kind::conflict && !std::exchange(told_, true))
      tally_.notice(done.error().what + "; later runs try again");
    return;
  }
}

}  // namespace qrx::receive
