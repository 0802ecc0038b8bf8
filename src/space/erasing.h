// The end of a space: marked as dying, its blobs unlinked, its rows deleted; gone on with after a crash.
// Private to src/space.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <unordered_set>

#include "space/context.h"
#include "space/delivery_files.h"
#include "space/outcomes.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/versions.h"

namespace qrx::space {

struct Erased {
  bool done = false;
  std::uint64_t bytes = 0;
};

// Thread-safe.
class Erasing {
 public:
  Erasing(Context& context, Registry& registry, Quotas& quotas, Versions& versions, DeliveryFiles& files)
      : context_(context), registry_(registry), quotas_(quotas), versions_(versions), files_(files) {}

  // `only_expired`: nothing happens (0 bytes, no error) to one that is not.
  // With `deliveries`: only while so many are committed; else Kind::conflict.
  Result<Erased> erase(const Guid& guid, bool only_expired, std::optional<std::uint64_t> deliveries = {});
  // Those past `now`, and those whose deletion was begun. Goes on after one that fails.
  Result<void> erase_expired(WallTime now, Swept& swept, const std::stop_token& stop);

 private:
  using Blobs = std::unordered_set<Id, IdHash>;
  Result<void> hold_exactly(const Guid& guid, std::uint64_t deliveries) const;  // Kind::conflict
  // Ends what goes on in it; gives the blobs of its packs.
  Blobs end_all(const ExclusiveGate&, LiveSpace& live);
  Result<void> unlink_all(const Guid& guid, Blobs blobs);
  std::uint64_t forget(const ExclusiveGate&, LiveSpace& live);  // gives back all that it held: so many bytes

  Context& context_;
  Registry& registry_;
  Quotas& quotas_;
  Versions& versions_;
  DeliveryFiles& files_;
};

// "blob ID: reason", for what goes on without it.
std::string about(const char* thing, const Id& id, const Error& error);

}  // namespace qrx::space
