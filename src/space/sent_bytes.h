// How much went out to recipients by transfers that were completed, until they have all there is: only to be shown, and
// forgotten by a restart. Private to src/space.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "wire/id.h"

namespace qrx::space {

// By shares. Thread-safe.
class SentBytes {
 public:
  void add(const Id& share, std::uint64_t bytes);
  void forget(const Id& share);  // all was taken: what is taken next is taken once more
  std::optional<std::uint64_t> of(const Id& share) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<Id, std::uint64_t, IdHash> bytes_;
};

}  // namespace qrx::space
