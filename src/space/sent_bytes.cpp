#include "space/sent_bytes.h"

namespace qrx::space {
namespace {

constexpr std::size_t most_known = 10'000;  // shares; of more than these all begin anew

}  // namespace

void SentBytes::add(const Id& share, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes_.size() >= most_known) bytes_.clear();
  bytes_[share] += bytes;
}

void SentBytes::forget(const Id& share) {
  const std::lock_guard lock(mutex_);
  bytes_.erase(share);
}

std::optional<std::uint64_t> SentBytes::of(const Id& share) const {
  const std::lock_guard lock(mutex_);
  const auto found = bytes_.find(share);
  return found == bytes_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace qrx::space
