// Saves the files of packs (sealed_pack.h).
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <unordered_set>

#include "api/owner_client.h"
#include "base/result.h"
#include "receive/delivery_progress.h"
#include "receive/publisher.h"

namespace qrx::receive {

// One thread. A pack is named by any of its files. What is wrong with one file is told to the delivery, and does not
// stop the others.
class PackSaver {
 public:
  PackSaver(DeliveryProgress& delivery, api::OwnerClient& client, Publisher& publisher)
      : delivery_(delivery), job_(delivery.job()), client_(client), publisher_(publisher) {}

  // What earlier runs have left of it is taken up; by a link that gives it a number of times only all of it is saved.
  // False when nothing is to be fetched any more.
  Result<bool> begin(std::size_t index);
  // All of it, sealed. Kind::integrity for whatever is not what was sealed.
  Result<void> keep(std::size_t index, std::string_view bytes);

 private:
  const Item& item(std::size_t index) const { return delivery_.item(index); }
  Result<void> each_part(std::size_t index, const std::function<Result<void>(std::size_t)>& save);
  Arrived arrived_part(std::size_t index, std::string_view bytes) const;
  Result<void> drop_followed(std::size_t index);
  Result<void> prepare_part(std::size_t index, std::string_view bytes);
  Result<void> save_counted(std::size_t index);
  void discard_prepared(std::size_t index);
  bool is_left_whole(std::size_t index) const;

  DeliveryProgress& delivery_;
  const ReceiveJob& job_;
  api::OwnerClient& client_;
  Publisher& publisher_;
  std::unordered_set<std::size_t> kept_;  // files that the publisher has
};

}  // namespace qrx::receive
