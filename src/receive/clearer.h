// Takes off the server what is saved here: an inbox is used for longer than there is room for all that it ever held.
#pragma once

#include <span>

#include "api/owner_client.h"
#include "receive/receive_tally.h"
#include "receive/saved_record.h"

namespace qrx::receive {

// One thread at a time.
class Clearer {
 public:
  Clearer(const api::SpaceAddress& address, const http::ClientOptions& options, ReceiveTally& tally);

  // Of these what the record has as finished, and as told to its sender. Trouble is for the next call: what is still
  // there is found again, by a later run, too.
  void clear(std::span<const wire::DeliveryInfo> deliveries, const SavedRecord& record);

 private:
  ReceiveTally& tally_;
  api::OwnerClient client_;
  bool able_ = true;  // the server is
  bool told_ = false;
};

}  // namespace qrx::receive
