// Uploads that are not complete: begun, locked by one writer at a time, ended.
// Private to src/space.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "space/context.h"
#include "space/delivery_files.h"
#include "space/live.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/sending.h"
#include "space/trash.h"
#include "space/versions.h"

namespace qrx::space {

// Whoever has it is the only one who writes or completes the upload. Not taken or let go while the SpaceLock is held,
// but for adopt().
class UploadLock {
 public:
  // REQUIRES: nobody else has it.
  static UploadLock adopt(const SpaceLock&, LiveSpace& live, UploadPtr upload);
  UploadLock(UploadLock&& other) noexcept : live_(other.live_), upload_(std::exchange(other.upload_, nullptr)) {}
  UploadLock& operator=(UploadLock&&) = delete;
  ~UploadLock() { unlock(); }
  void unlock();  // again is fine
  const UploadPtr& upload() const { return upload_; }

 private:
  UploadLock(LiveSpace& live, UploadPtr upload) : live_(live), upload_(std::move(upload)) {}
  LiveSpace& live_;  // outlives it
  UploadPtr upload_;
};

// What drops an upload shows by this that nobody adds to it meanwhile.
class SoleUse {
 public:
  explicit SoleUse(const ExclusiveGate&) {}
  SoleUse(const SharedGate&, const UploadLock&) {}
};

// Thread-safe.
class Uploads {
 public:
  Uploads(Context& context, Registry& registry, Quotas& quotas, Versions& versions, Trash& trash);

  struct Wish {
    const NewUpload& upload;
    const std::string& peer;
    bool at_once = false;           // all its bytes come now: they are taken, not promised
    std::uint64_t bytes_freed = 0;  // of parts that this one replaces
  };
  // Row, blob and place in memory. The one that was begun before, when its sender asks again.
  Result<UploadPtr> begin(const SharedGate& gate, LiveSpace& live, const Wish& wish);
  // Kind::not_found, Kind::gone when it has expired or its bytes were lost, and as Registry::still_open().
  Result<UploadPtr> find(const SpaceLock& lock, LiveSpace& live, const Id& upload);
  // Asks whoever has it to stop, and waits for policy.lock_wait; then Kind::locked.
  Result<UploadLock> lock(LiveSpace& live, const Id& upload);
  // Its file, or what is known of it once that was cleared. Kind::not_found.
  Result<FileRow> completed(const LiveSpace& live, const Id& upload);

  // Forgets an upload, rows and blob.
  Result<void> drop(const SoleUse&, LiveSpace& live, const UploadPtr& upload, Durability how);
  Result<bool> end(LiveSpace& live, const Id& upload);  // false: it is complete. Takes the gate

 private:
  // Too many uploads without a byte: the oldest that may yield. Nothing when there is room. When none may:
  // Kind::too_many of who has its share of them, else Kind::no_room_now.
  Result<std::optional<UploadLock>> find_yielding(const SpaceLock& lock, LiveSpace& live, const std::string& peer);
  // One that was begun by the same words and has no byte: its answer was lost.
  UploadPtr find_same(const SpaceLock&, LiveSpace& live, const NewUpload& asked) const;
  // Checks what is asked for, and takes or promises what it needs.
  Result<void> admit(const SpaceLock& lock, LiveSpace& live, const Wish& wish, LiveUpload& upload);
  // The rows, then the blob.
  Result<std::optional<SpaceHead>> store(LiveSpace& live, const UploadRow& row, const DeliveryRow* implicit);

  Context& context_;
  Registry& registry_;
  Quotas& quotas_;
  Versions& versions_;
  Trash& trash_;
};

tl::unexpected<Error> lost_bytes();  // Kind::gone, of an upload

}  // namespace qrx::space
