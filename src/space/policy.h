// What a server allows, and whom it tells of changes.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "wire/id.h"

namespace qrx::space {

struct Policy {
  Seconds expire{24 * 3600};          // of a space, unless asked otherwise
  Seconds max_expire{7 * 24 * 3600};  // 0: no limit. A wish for more gets this
  Seconds upload_expire{24 * 3600};   // of an upload that nobody continues; never beyond its space
  std::uint64_t max_size = 0;         // of one space; 0: no limit
  std::uint64_t max_files = 100'000;
  std::uint64_t max_total = 0;  // of all spaces; 0: what the disk has, less a reserve
  std::uint64_t max_spaces = 100'000;
  bool relaxed = false;  // --durability relaxed: no syncs
  // Other nodes work on the same catalog and blobs: what is in memory alone is seen by none of them, and may be old.
  bool shared = false;
  Seconds lease_life{600};  // how long a node that no longer sweeps holds what is on its way by limited shares
  std::uint64_t reserve_bytes = 64U << 20;  // kept free on the disk; on a small disk a tenth of what was free at first
  Millis lock_wait{2000};                   // how long a newcomer waits for the holder of an upload to stop
  // How long room is kept for what was announced, while none of it arrives. What arrived stays; the room is asked for
  // again with the next bytes.
  Seconds promise_life{120};
};

// Told of each change. Called from any thread, must be cheap and must not call back.
class Events {
 public:
  virtual ~Events() = default;
  virtual void space_changed(const Guid& guid) = 0;       // its seq has grown
  virtual void upload_grew(const Id& upload) = 0;         // bytes arrived, or it ended
  virtual void delivery_changed(const Id& delivery) = 0;  // committed, receipted, or gone with its space
};

}  // namespace qrx::space
