#include "space/orphans.h"

#include <unordered_set>

namespace qrx::space {
namespace {

using IdSet = std::unordered_set<Id, IdHash>;

}  // namespace

Result<std::uint64_t> set_orphans_aside(Context& context, bool starting, std::vector<std::string>& failures,
                                        const std::stop_token& stop) {
  // What is there first, what should be there afterwards: a row always comes before its blob, and goes into the trash
  // before it ends. Open deliveries before files: a delivery that is committed between the looks is then seen twice
  // rather than not at all.
  auto there = context.blobs.list();
  if (!there) return tl::unexpected(there.error());
  auto open = context.catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  auto named = context.catalog.blobs();
  if (!named) return tl::unexpected(named.error());
  const IdSet used(named->begin(), named->end());
  IdSet packs_of;
  for (const DeliveryRow& delivery : *open) packs_of.insert(delivery.delivery);
  std::uint64_t aside = 0;
  for (const BlobUse& use : *there) {
    if (auto on = context.go_on(stop); !on) return tl::unexpected(on.error());
    if (used.contains(use.blob)) continue;
    if (packs_of.contains(use.blob)) {
      // Small files that were accepted, never acknowledged, by a process that is gone.
      if (starting)
        if (auto removed = context.blobs.remove(use.blob); !removed)
          failures.push_back(about("blob", use.blob, removed.error()));
      continue;
    }
    // Set aside, not removed: if a row should name it after all (a catalog restored from a backup), its bytes are still
    // there.
    auto moved = context.blobs.quarantine(use.blob);
    if (moved)
      ++aside;
    else if (moved.error().kind != Kind::not_found && moved.error().kind != Kind::exists)
      failures.push_back(about("blob", use.blob, moved.error()));
    // not_found, exists: somebody else has removed it, or set it aside, since the list was made.
  }
  return aside;
}

}  // namespace qrx::space
