#include "store/space_cache.h"

namespace qrx::store {
namespace {

using space::SpaceState;

// Copying more rows than this at each change would make many changes quadratic; then reading them again is cheaper.
constexpr std::size_t most_rows_to_copy = 256;
constexpr std::size_t most_edits_to_repeat = 32;

std::size_t rows_of(const SpaceState& state) {
  return 1 + state.deliveries.size() + state.files.size() + state.uploads.size();
}

}  // namespace

void ChangeLog::add(const Guid& guid, Edit edit) {
  // A large transaction is of one space most of the time: it is not worth keeping each edit.
  if (entries_.size() >= most_edits_to_repeat) {
    if (entries_.back().guid == guid && !entries_.back().edit) return;
    edit = nullptr;
  }
  entries_.push_back({guid, std::move(edit)});
}

std::shared_ptr<const SpaceState> SpaceCache::find_or_begin_load(const Guid& guid) {
  const std::lock_guard lock(mutex_);
  if (const auto found = kept_.find(guid); found != kept_.end()) {
    if (found->second.place != by_use_.begin()) by_use_.splice(by_use_.begin(), by_use_, found->second.place);
    return found->second.state;
  }
  ++loads_[guid].readers;
  return nullptr;
}

void SpaceCache::finish_load(const Guid& guid, std::shared_ptr<const SpaceState> state) {
  const std::lock_guard lock(mutex_);
  const auto load = loads_.find(guid);
  const bool stale = load->second.stale;
  if (--load->second.readers == 0) loads_.erase(load);
  if (state != nullptr && !stale) keep(guid, std::move(state));
}

void SpaceCache::forget_all() noexcept {
  const std::lock_guard lock(mutex_);
  kept_.clear();
  by_use_.clear();
  rows_ = 0;
  for (auto& [guid, load] : loads_) load.stale = true;
}

void SpaceCache::committed(const ChangeLog& log) {
  const std::lock_guard lock(mutex_);
  std::unordered_map<Guid, std::shared_ptr<SpaceState>, IdHash> edited;  // null: forget it
  for (const auto& [guid, edit] : log.entries_) {
    // Its reader may have read before this commit: what it brings is used by it alone, and not kept.
    if (const auto load = loads_.find(guid); load != loads_.end()) load->second.stale = true;
    const auto found = kept_.find(guid);
    if (found == kept_.end()) continue;
    auto [place, first] = edited.try_emplace(guid);
    // One copy for all edits of this commit; readers have the former one, which never changes.
    if (first && rows_of(*found->second.state) <= most_rows_to_copy)
      place->second = std::make_shared<SpaceState>(*found->second.state);
    if (!edit) place->second = nullptr;
    if (place->second != nullptr) edit(*place->second);
  }
  for (auto& [guid, state] : edited) {
    drop(guid);
    if (state != nullptr) keep(guid, std::move(state));
  }
}

void SpaceCache::keep(const Guid& guid, std::shared_ptr<const SpaceState> state) {
  drop(guid);
  rows_ += rows_of(*state);
  by_use_.push_front(guid);
  kept_.emplace(guid, Kept{std::move(state), by_use_.begin()});
  // The latest stays even when it is larger than the cache: whoever reads it page by page would read it anew each time.
  while (kept_.size() > 1 && (kept_.size() > most_spaces_ || rows_ > most_rows_)) drop(Guid(by_use_.back()));
}

void SpaceCache::drop(const Guid& guid) {
  const auto found = kept_.find(guid);
  if (found == kept_.end()) return;
  rows_ -= rows_of(*found->second.state);
  by_use_.erase(found->second.place);
  kept_.erase(found);
}

}  // namespace qrx::store
