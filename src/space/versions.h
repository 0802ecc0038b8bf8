// The version of a space: the number by which its readers know that something has changed (`seq` on the wire).
// Private to src/space.
#pragma once

#include <optional>

#include "space/context.h"
#include "space/live.h"

namespace qrx::space {

// It grows with the clock, so that it never repeats, also after a restart that lost what was in memory only. Each takes
// the lock of the space itself. Thread-safe.
class Versions {
 public:
  explicit Versions(Context& context) : context_(context) {}

  // Inside a transaction: the next version, and what else is to change. `head` is for publish(), once it is committed.
  // Kind::not_found, or Kind::too_large for what does not fit.
  Result<void> advance(LiveSpace& live, Transaction& transaction, std::optional<SpaceHead>& head,
                       SpaceChange change = {});
  Result<void> change(LiveSpace& live, const SpaceChange& change);  // in a transaction of its own, durably
  // After the commit: in memory too, and readers see it. Nothing: there was no advance.
  void publish(LiveSpace& live, const std::optional<SpaceHead>& head);
  void progress(LiveSpace& live);  // of uploads: in memory only, at most five times a second

  // What is not worth a version in the catalog, unless other nodes have nothing else to know it by. note() in its
  // transaction, which goes on only while the space is there; changed() after its commit, with the head of that.
  Result<void> note(LiveSpace& live, Transaction& transaction, std::optional<SpaceHead>& head);
  void changed(LiveSpace& live, const std::optional<SpaceHead>& head);
  void changed(LiveSpace& live);  // of what had no transaction to note it in

 private:
  std::uint64_t next(const SpaceLock&, const LiveSpace& live) const;

  Context& context_;
};

}  // namespace qrx::space
