// What of one limit is used and what is only announced. Private to src/space.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace qrx::space {

// Not thread-safe: guarded by the lock of the space or of the totals.
class Ledger {
 public:
  std::uint64_t used = 0;  // there, for as long as it is not deleted

  std::uint64_t promised() const { return promised_; }
  // 0: no limit. `freed`: what goes when this comes.
  bool fits(std::uint64_t more, std::uint64_t limit, std::uint64_t freed = 0) const;
  bool fits_for_now(std::uint64_t more, std::uint64_t limit, std::uint64_t freed = 0) const;  // beside promises, too

  // Announcing costs nothing, so it may not shut out others: one peer holds at most a quarter of what is free by it,
  // all of them half. Gives what of `wish` is within that and keeps it for the peer.
  std::uint64_t promise(std::string_view peer, std::uint64_t wish, std::uint64_t limit);
  void keep(std::string_view peer, std::uint64_t amount);  // whatever its share is: withdrawn just now
  void withdraw(std::string_view peer, std::uint64_t amount);

 private:
  std::uint64_t promised_ = 0;
  std::unordered_map<std::string, std::uint64_t> by_peer_;
};

}  // namespace qrx::space
