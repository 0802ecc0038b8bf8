// Tells the senders of deliveries what became of them here: saved, declined, or not saved so far. They need not be told
// for anything to be saved, so trouble on the way there ends nothing.
#pragma once

#include <string>
#include <vector>

#include "api/owner_client.h"
#include "base/result.h"
#include "http/interrupt.h"
#include "receive/received.h"
#include "wire/receipt.h"

namespace qrx::receive {

// One thread at a time.
class SenderNews {
 public:
  // Of a space of one's own; to a recipient's link nothing is told.
  SenderNews(const api::SpaceAddress& address, const http::ClientOptions& options);

  void tell(const SavedDelivery& delivery);  // durable where files were saved
  // It could not be saved, but for these files; the rest is kept, for a later run.
  void tell_kept(const Id& delivery, const std::vector<Id>& saved);

 private:
  bool post(const Id& delivery, const wire::Receipt& receipt);  // false: no use to go on

  const bool wanted_;
  http::Interrupt* interrupt_;
  api::OwnerClient client_;
};

// What to say of a delivery: each a request.
std::vector<wire::Receipt> receipts_of(const SavedDelivery& delivery);

}  // namespace qrx::receive
