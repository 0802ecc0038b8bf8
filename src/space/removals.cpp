#include "space/removals.h"

#include <utility>

namespace qrx::space {

void Removals::unless_removing(const Id& blob, const std::function<void()>& work) {
  const std::lock_guard lock(mutex_);
  if (!blobs_.contains(blob)) work();
}

Removing::Removing(Removals& removals, std::vector<Id> blobs) : removals_(removals), blobs_(std::move(blobs)) {
  const std::lock_guard lock(removals_.mutex_);
  removals_.blobs_.insert(blobs_.begin(), blobs_.end());
}

Removing::~Removing() {
  const std::lock_guard lock(removals_.mutex_);
  for (const Id& blob : blobs_) removals_.blobs_.erase(removals_.blobs_.find(blob));
}

}  // namespace qrx::space
