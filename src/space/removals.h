// The blobs whose rows go before they do: no orphans, though nothing names them for a moment.
// Private to src/space.
#pragma once

#include <functional>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "wire/id.h"

namespace qrx::space {

// Thread-safe.
class Removals {
 public:
  // Runs `work` unless the blob is being removed; its removal cannot begin meanwhile.
  void unless_removing(const Id& blob, const std::function<void()>& work);

 private:
  friend class Removing;
  std::mutex mutex_;
  std::unordered_multiset<Id, IdHash> blobs_;
};

// While it lives, these blobs are not taken for orphans. Made before their rows are deleted, gone after they are.
class Removing {
 public:
  Removing(Removals& removals, std::vector<Id> blobs);
  ~Removing();
  Removing(const Removing&) = delete;
  Removing& operator=(const Removing&) = delete;

 private:
  Removals& removals_;
  const std::vector<Id> blobs_;
};

}  // namespace qrx::space
