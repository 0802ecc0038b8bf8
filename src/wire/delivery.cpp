#include "wire/delivery.h"

#include <iterator>
#include <utility>

namespace qrx::wire {

void append_page(std::vector<DeliveryInfo>& deliveries, std::vector<DeliveryInfo> page) {
  for (DeliveryInfo& delivery : page) {
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
