#include "wire/delivery.h"

#include <iterator>
#include <utility>

namespace qrx::wire {

void append_page(std::vector<DeliveryInfo>& deliveries, std::vector<DeliveryInfo> page) {
  for (DeliveryInfo& delivery : page) {
    // A delivery of many files may be cut by the end of a page; its rest comes at the head of the next one, under the
    // same name.
    if (!deliveries.empty() && deliveries.back().delivery == delivery.delivery) {
      auto& files = deliveries.back().files;
      files.insert(files.end(), std::make_move_iterator(delivery.files.begin()),
                   std::make_move_iterator(delivery.files.end()));
    } else {
      deliveries.push_back(std::move(delivery));
    }
  }
}

}  // namespace qrx::wire
