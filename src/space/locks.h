// The locks of a space, as types: what a function needs held stands in its parameters.
//
// Order, for code that needs several; each is let go before one that stands above it is taken:
//   1. Rules::sweep_mutex  for the whole of a sweep
//   2. LiveUpload::use     the writer of an upload, while it works
//   3. the gate            SharedGate or ExclusiveGate
//   4. RoomLock            who makes room for what does not fit, with the gate shared
//   5. the space's mutex   SpaceLock; works take it inside Catalog::change(), so that is never called with it held, and
//                          nobody waits for a sync with it
//   6. the mutexes of Registry and OpenPacks, and of the totals in Quotas: no other of these is taken under them
// The mutexes of Downloads, LiveShare, ShareBook, SentBytes and Trash stand outside of this order: nothing is taken
// under them, but that the catalog may be read under LiveShare's. An UploadLock (space/uploads.h) is no mutex: it may
// be waited for, with none of these held but the gate shared. Private to src/space.
#pragma once

#include <mutex>
#include <shared_mutex>

namespace qrx::space {

class SpaceLocks {
  friend class SharedGate;
  friend class ExclusiveGate;
  friend class RoomLock;
  friend class SpaceLock;
  std::mutex mutex_, room_;
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

// Held by who makes room, until it is there: others that do not fit wait, and find it.
class RoomLock {
 public:
  explicit RoomLock(SpaceLocks& space) : lock_(space.room_) {}

 private:
  std::unique_lock<std::mutex> lock_;
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
