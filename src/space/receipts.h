// Receipts: what the receiver of a delivery says became of its files, for the sender.
// Private to src/space.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stop_token>

#include "space/context.h"
#include "space/live.h"
#include "space/receipt_model.h"

namespace qrx::space {

// Thread-safe.
class Receipts {
 public:
  explicit Receipts(Context& context) : context_(context) {}

  // Durable. Kind::not_found when the delivery is not committed here, Kind::usage when a file is not of it.
  Result<void> record(LiveSpace& live, const Id& delivery, const wire::Receipt& receipt);
  // Of a committed delivery, also once it was cleared; Kind::not_found for another one. `unsaved`: as Spaces::status().
  Result<wire::DeliveryStatus> status(LiveSpace& live, const Id& delivery, bool unsaved) const;
  // The version of a committed delivery, cheaply: 1 before anything was said.
  Result<std::uint64_t> version(const Id& delivery) const;
  // Of a space that is gone; nothing when nothing was said in it.
  Result<std::optional<wire::DeliveryStatus>> of_gone_space(const Guid& guid, const Id& delivery) const;
  // Those of deliveries that have been gone for a while, with their spaces or without. What else is kept of these is
  // for Removal::resume().
  Result<void> forget_old(const std::stop_token& stop);

 private:
  struct About {
    Id delivery;
    Guid guid;
    std::uint64_t files;  // at least one: a text has none, and is one thing to be received
  };
  // Of these files, at most rows_at_once; of none: of all that is not said otherwise.
  Result<void> record(const About& about, ReceiptState state, std::span<const Id> named);

  Context& context_;
};

}  // namespace qrx::space
