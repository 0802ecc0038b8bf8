// Tells the senders of deliveries what became of them here: saved, declined, or not saved so far. They need not be told
// for anything to be saved, so trouble on the way there ends nothing.
#pragma once

#include <cstdint>
#include <vector>

#include "api/owner_client.h"
#include "http/interrupt.h"
#include "receive/received.h"
#include "receive/saved_record.h"
#include "wire/receipt.h"

namespace qrx::receive {

// One thread at a time.
class SenderNews {
 public:
  // Of a space of one's own; to a recipient's link nothing is told.
  SenderNews(const api::SpaceAddress& address, const http::ClientOptions& options);

  // What the record says they were not told of, once.
  void tell(SavedRecord& record);
  // It could not be saved, but for what the record has of it; the rest is kept, for a later run.
  void tell_kept(const Id& delivery, SavedRecord& record);

 private:
  enum class Posted : std::uint8_t { yes, never, not_now };
  Posted post(const Id& delivery, const wire::Receipt& receipt);
  bool tell(const Untold& untold, SavedRecord& record);  // false: no use to go on

  const bool wanted_;
  http::Interrupt* interrupt_;
  api::OwnerClient client_;
};

// For what is not worth waiting for.
http::ClientOptions hurried(http::ClientOptions options);

// What is to be remembered of a delivery that was taken.
Untold untold_of(const SavedDelivery& delivery);
// What to say of it: each a request.
std::vector<wire::Receipt> receipts_of(const Untold& untold);

}  // namespace qrx::receive
