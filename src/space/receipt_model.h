// What the rules know of receipts: what a receiver said became of a delivery.
#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"
#include "wire/id.h"
#include "wire/receipt.h"

namespace qrx::space {

using wire::ReceiptState;

// Of one delivery; it outlives its space for a while, for the sender may ask after that was deleted.
struct ReceiptRow {
  Id delivery;
  Guid guid;
  std::uint64_t version = 1;               // grows with each change; 1: nothing was said
  ReceiptState rest = ReceiptState::none;  // of the files that have no row of their own
  wire::ReceiptCounts counts;
  WallTime at;  // of the last change
};

// Of a file that has a row of its own. What was kept goes with the rest, once all of the delivery is said to be saved
// or declined: one row says so, instead of one for each file.
inline ReceiptState state_of(ReceiptState own, ReceiptState rest) {
  return own == ReceiptState::kept && rest > ReceiptState::kept ? rest : own;
}

struct FileReceiptRow {
  Id delivery;
  Id file;
  Guid guid;
  ReceiptState state = ReceiptState::none;
};

// Files of cleared deliveries that are remembered of one space: senders ask soon, if at all.
inline constexpr std::uint64_t most_past_files = 10'000;

using FileReceiptCounts = std::array<std::uint64_t, 4>;  // by ReceiptState

}  // namespace qrx::space
