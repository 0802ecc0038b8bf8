#include "space/open_packs.h"

namespace qrx::space {

Result<std::shared_ptr<Staged>> OpenPacks::make(const Id& delivery) {
  // In objects they are nowhere else yet, and cannot be opened again.
  if (const std::lock_guard lock(mutex_); blobs_.in_objects() && by_use_.size() >= most_)
    return fail(Kind::no_room_now, "too many deliveries are under way; try again in a minute");
  auto made = blobs_.create(delivery);
  if (!made) return tl::unexpected(made.error());
  return keep(delivery, std::move(*made));
}

Result<std::shared_ptr<Staged>> OpenPacks::open(const Id& delivery) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = place_.find(delivery); found != place_.end()) {
      // Moves the node without copying; iterators in `place_` stay valid.
      by_use_.splice(by_use_.begin(), by_use_, found->second);
      return found->second->staged;
    }
  }
  auto opened = blobs_.reopen(delivery);
  if (!opened) return tl::unexpected(opened.error());
  return keep(delivery, std::move(*opened));
}

std::shared_ptr<Staged> OpenPacks::keep(const Id& delivery, std::unique_ptr<Staged> staged) {
  std::shared_ptr<Staged> kept(std::move(staged));
  std::shared_ptr<Staged> closed;  // after the lock
  const std::lock_guard lock(mutex_);
  by_use_.push_front({delivery, kept});
  place_[delivery] = by_use_.begin();
  if (by_use_.size() > most_ && !blobs_.in_objects()) {
    // Writers that have it share the ownership; the last of them closes it, outside of the lock.
    closed = std::move(by_use_.back().staged);
    place_.erase(by_use_.back().delivery);
    by_use_.pop_back();
  }
  return kept;
}

void OpenPacks::forget(const Id& delivery) {
  const std::lock_guard lock(mutex_);
  const auto found = place_.find(delivery);
  if (found == place_.end()) return;
  by_use_.erase(found->second);
  place_.erase(found);
}

}  // namespace qrx::space
