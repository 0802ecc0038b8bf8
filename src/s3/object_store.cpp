#include "s3/object_store.h"

#include <chrono>

namespace qrx::s3 {

ReadBlocks::Block ReadBlocks::find(const std::string& object, std::uint64_t at) {
  const std::lock_guard lock(mutex_);
  const auto found = place_.find(object + "@" + std::to_string(at));
  if (found == place_.end()) return nullptr;
  by_use_.splice(by_use_.begin(), by_use_, found->second);
  return found->second->block;
}

void ReadBlocks::keep(const std::string& object, std::uint64_t at, Block block) {
  const std::lock_guard lock(mutex_);
  std::string key = object + "@" + std::to_string(at);
  if (place_.contains(key)) return;
  bytes_ += block->size();
  by_use_.push_front({key, std::move(block)});
  place_.emplace(std::move(key), by_use_.begin());
  while (bytes_ > most_bytes) {
    bytes_ -= by_use_.back().block->size();
    place_.erase(by_use_.back().key);
    by_use_.pop_back();
  }
}

void ObjectStore::tell(const std::string& what) {
  constexpr auto told_every = std::chrono::seconds(10);
  {
    const std::lock_guard lock(told_mutex);
    const Steady now = system_clock().steady();
    if (told != Steady() && now - told < told_every) return;
    told = now;
  }
  failed(what);
}

Error ObjectStore::as_trouble(Error error) {
  tell(error.what + (error.hint.empty() ? "" : "; " + error.hint));
  error.kind = Kind::unavailable;
  error.hint.clear();
  return error;
}

}  // namespace qrx::s3
