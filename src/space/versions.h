// The version of a space: the number by which its readers know that something has changed (`seq` on the wire).
// Private to src/space.
#pragma once

#include <functional>

#include "space/context.h"
#include "space/live.h"

namespace qrx::space {

// It grows with the clock, so that it never repeats, also after a restart that lost what was in memory only. Each takes
// the lock of the space itself. Thread-safe.
class Versions {
 public:
  explicit Versions(Context& context) : context_(context) {}

  // Inside a transaction: the next version into the row, and the row into the catalog. `edit` changes the row before.
  void advance(LiveSpace& live, Transaction& transaction, const std::function<void(SpaceRow&)>& edit = nullptr);
  void publish(LiveSpace& live);   // after the commit of an advance: readers see it
  void progress(LiveSpace& live);  // of uploads: in memory only, at most five times a second
  void changed(LiveSpace& live);   // what is not worth a row: at once, in memory only

 private:
  std::uint64_t next(const SpaceLock&, const LiveSpace& live) const;

  Context& context_;
};

}  // namespace qrx::space
