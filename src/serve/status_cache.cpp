#include "serve/status_cache.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_bytes = 8U << 20;
constexpr std::size_t most_text = 1U << 20;
constexpr std::size_t entry_bytes = 160;  // of the map and the string's own, about

}  // namespace

StatusCache::Text StatusCache::find(const Guid& guid, std::uint64_t seq) const {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(guid);
  return at == entries_.end() || at->second.seq != seq ? nullptr : at->second.text;
}

void StatusCache::keep(const Guid& guid, std::uint64_t seq, Text text) {
  if (text->size() > most_text) return;
  const std::lock_guard lock(mutex_);
  if (bytes_ + text->size() + entry_bytes > most_bytes) {
    entries_.clear();
    bytes_ = 0;
  }
  const std::size_t size = text->size() + entry_bytes;
  const auto [at, is_new] = entries_.try_emplace(guid, Entry{seq, text});
  if (!is_new) {
    if (at->second.seq > seq) return;  // someone was faster with a later state
    bytes_ -= at->second.text->size() + entry_bytes;
    at->second = {seq, std::move(text)};
  }
  bytes_ += size;
}

}  // namespace qrx::serve
