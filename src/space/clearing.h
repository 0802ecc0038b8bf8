// Deliveries whose contents are no longer needed, because their receiver has them: an inbox that lasts for months would
// be full otherwise. Private to src/space.
#pragma once

#include "space/context.h"
#include "space/live.h"
#include "space/registry.h"
#include "space/removal.h"
#include "space/versions.h"

namespace qrx::space {

// Thread-safe.
class Clearing {
 public:
  Clearing(Context& context, Registry& registry, Versions& versions, Removal& removal)
      : context_(context), registry_(registry), versions_(versions), removal_(removal) {}

  // Its files, or its text, go; durable. Its receipt stays for a while, and what its sender may ask after an answer
  // that was lost. Again: nothing happens. Kind::not_found; Kind::conflict while it is not committed, while its
  // receiver has not said of all of it that it is saved or declined, and while a link shares the space.
  Result<void> clear(LiveSpace& live, const Id& delivery);

 private:
  struct Links {
    std::uint64_t all = 0;  // not revoked
    bool any_valid = false;
  };
  Result<Links> links_to(LiveSpace& live) const;
  Result<void> may_go(Transaction& transaction, const Guid& guid, const Id& delivery, std::uint64_t links) const;

  Context& context_;
  Registry& registry_;
  Versions& versions_;
  Removal& removal_;
};

}  // namespace qrx::space
