#include "space/ledger.h"

#include <algorithm>

namespace qrx::space {

bool Ledger::fits(std::uint64_t more, std::uint64_t limit, std::uint64_t freed) const {
  // By subtraction: a sum of sizes that clients announce could overflow.
  return limit == 0 || (more <= limit && used - std::min(used, freed) <= limit - more);
}

bool Ledger::fits_for_now(std::uint64_t more, std::uint64_t limit, std::uint64_t freed) const {
  return limit == 0 || (fits(more, limit, freed) && promised_ <= limit - more - (used - std::min(used, freed)));
}

std::uint64_t Ledger::promise(std::string_view peer, std::uint64_t wish, std::uint64_t limit) {
  std::uint64_t granted = wish;
  if (limit != 0) {
    const std::uint64_t free = limit - std::min(limit, used);
    const auto held = by_peer_.find(std::string(peer));
    const std::uint64_t of_peer = held == by_peer_.end() ? 0 : held->second;
    // A quarter of what is free for one peer, half for all (see the header). Less than was wished for is no error: the
    // rest is asked for as it arrives.
    granted = std::min({wish, free / 4 - std::min(free / 4, of_peer), free / 2 - std::min(free / 2, promised_)});
  }
  if (granted > 0) keep(peer, granted);
  return granted;
}

void Ledger::keep(std::string_view peer, std::uint64_t amount) {
  promised_ += amount;
  by_peer_[std::string(peer)] += amount;
}

void Ledger::withdraw(std::string_view peer, std::uint64_t amount) {
  promised_ -= std::min(promised_, amount);
  const auto held = by_peer_.find(std::string(peer));
  if (held == by_peer_.end()) return;
  held->second -= std::min(held->second, amount);
  if (held->second == 0) by_peer_.erase(held);
}

}  // namespace qrx::space
