#include "pg/counted_cache.h"

namespace qrx::pg {
namespace {

std::size_t rows_of(const space::SpaceState& state) {
  return 1 + state.deliveries.size() + state.files.size() + state.uploads.size();
}

}  // namespace

std::optional<CountedCache::Entry> CountedCache::find(const Guid& guid) {
  const std::lock_guard lock(mutex_);
  const auto found = kept_.find(guid);
  if (found == kept_.end()) return std::nullopt;
  by_use_.splice(by_use_.begin(), by_use_, found->second.place);
  return found->second.entry;
}

void CountedCache::keep(const Guid& guid, Entry entry) {
  const std::size_t rows = rows_of(*entry.state);
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(guid); found != kept_.end()) {
    // Two readers at once: the slower one may bring the older state.
    if (found->second.entry.changes >= entry.changes) return;
    drop(found);
  }
  // It would push out everything else, and be pushed out itself by the next.
  if (rows > most_rows_) return;
  while (rows_ + rows > most_rows_) drop(kept_.find(by_use_.back()));
  by_use_.push_front(guid);
  kept_.emplace(guid, Kept{std::move(entry), by_use_.begin()});
  rows_ += rows;
}

void CountedCache::forget(const Guid& guid) {
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(guid); found != kept_.end()) drop(found);
}

void CountedCache::drop(std::unordered_map<Guid, Kept, IdHash>::iterator at) {
  rows_ -= rows_of(*at->second.entry.state);
  by_use_.erase(at->second.place);
  kept_.erase(at);
}

}  // namespace qrx::pg
