// The end of a space: marked as dying, which is durable and ends it for everybody; then its rows and blobs go.
// Private to src/space.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>

#include "space/context.h"
#include "space/delivery_files.h"
#include "space/outcomes.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/removal.h"
#include "space/versions.h"

namespace qrx::space {

struct Erased {
  bool done = false;
  std::uint64_t bytes = 0;
  bool whole = true;  // nothing is left of it; else a later sweep goes on
};

// Thread-safe.
class Erasing {
 public:
  Erasing(Context& context, Registry& registry, Quotas& quotas, Versions& versions, DeliveryFiles& files,
          Removal& removal)
      : context_(context),
        registry_(registry),
        quotas_(quotas),
        versions_(versions),
        files_(files),
        removal_(removal) {}

  // `only_expired`: nothing happens (0 bytes, no error) to one that is not.
  // With `deliveries`: only while so many are committed; else Kind::conflict.
  Result<Erased> erase(const Guid& guid, bool only_expired, std::optional<std::uint64_t> deliveries = {});
  // Those past `now`, and those whose deletion was begun. Goes on after one that fails.
  Result<void> erase_expired(WallTime now, Swept& swept, const std::stop_token& stop);

 private:
  // Dying from now on, and the first rows are gone. Nothing is there when it is not expired, after all.
  Result<Removed> mark(LiveSpace& live, bool only_expired, std::optional<std::uint64_t> deliveries);
  void end_all(const ExclusiveGate&, LiveSpace& live);          // what goes on in it
  std::uint64_t forget(const ExclusiveGate&, LiveSpace& live);  // gives back all that it held: so many bytes

  Context& context_;
  Registry& registry_;
  Quotas& quotas_;
  Versions& versions_;
  DeliveryFiles& files_;
  Removal& removal_;
};

}  // namespace qrx::space
