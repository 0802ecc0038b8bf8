// The locks of a space, as types: what a function needs held stands in its parameters.
//
// Order, for who needs several; each is let go before one that stands above it is taken:
//   1. LiveUpload::use    the writer of an upload, while it works
//   2. the gate           SharedGate or ExclusiveGate
//   3. the space's mutex  SpaceLock; never held while waiting for a sync, and by the catalog's work inside change()
//   4. the locks of Registry, of the totals in Quotas, of OpenPacks, of Removals
// An UploadLock (space/uploads.h) is no mutex: it may be waited for, with none of these held but the gate shared.
// Private to src/space.
#pragma once

#include <mutex>
#include <shared_mutex>

namespace qrx::space {

class SpaceLocks {
  friend class SharedGate;
  friend class ExclusiveGate;
  friend class SpaceLock;
  std::mutex mutex_;
  std::shared_mutex gate_;
};

// Held by what adds to a space, from its check to its row.
class SharedGate {
 public:
  explicit SharedGate(SpaceLocks& space) : lock_(space.gate_) {}

 private:
  std::shared_lock<std::shared_mutex> lock_;
};

// Held by what removes from a space: nobody is about to add to what goes.
class ExclusiveGate {
 public:
  explicit ExclusiveGate(SpaceLocks& space) : lock_(space.gate_) {}

 private:
  std::unique_lock<std::shared_mutex> lock_;
};

// Held while what a space has in memory is read or changed.
class SpaceLock {
 public:
  explicit SpaceLock(SpaceLocks& space) : lock_(space.mutex_) {}
  std::unique_lock<std::mutex>& unique() { return lock_; }  // to wait on a condition, or to let go for a while

 private:
  std::unique_lock<std::mutex> lock_;
};

}  // namespace qrx::space
