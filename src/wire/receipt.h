// What the receiver of a delivery says became of it, and what its sender learns of that (qrx-protocol(7)), as
// messages.h has the others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wire/id.h"
#include "wire/messages.h"

namespace qrx::wire {

// What became of a file at its receiver. Each wins over those before it: what was saved once is not declined any more.
enum class ReceiptState : std::uint8_t {
  none,      // nothing was said yet
  kept,      // it could not be saved so far, and is kept for the receiver
  declined,  // the receiver does not want it
  saved,     // verified, durable on the receiver's disk; of a text: shown
};
std::string_view to_text(ReceiptState state);  // "none", "kept", "declined", "saved"

// POST /api/v1/spaces/{guid}/deliveries/{delivery}/receipt
struct Receipt {
  ReceiptState state = ReceiptState::saved;  // not none
  std::vector<Id> files;                     // none: all of the delivery of which nothing final was said yet
};

// The receipts of one delivery. A delivery without a file, which is a text, counts as one.
struct ReceiptCounts {
  std::uint64_t saved = 0, declined = 0, kept = 0, missing = 0;
  friend bool operator==(const ReceiptCounts&, const ReceiptCounts&) = default;
};

struct DeliveryFile {
  ReceivedFile file;
  ReceiptState receipt = ReceiptState::none;
};

// GET /u/{guid}/deliveries/{delivery}: a DeliveryState with what was said of it. With ?after=N&wait=S: when `seq` is
// another than N, or after S seconds; it then names only files that are declined or kept, at most most_unsaved_files.
struct DeliveryStatus {
  Id delivery;
  bool committed = false;
  std::vector<DeliveryFile> files;       // none when its space is gone
  std::uint64_t seq = 0;                 // 0: not committed; grows with each receipt
  std::optional<ReceiptCounts> receipt;  // of one that is committed; a server that knows no receipts leaves it out
};

std::string to_json(const Receipt&);
std::string to_json(const DeliveryStatus&);

Result<Receipt> receipt_from_json(std::string_view text);
Result<DeliveryStatus> delivery_status_from_json(std::string_view text);

}  // namespace qrx::wire
