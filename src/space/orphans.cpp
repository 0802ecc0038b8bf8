#include "space/orphans.h"

#include <chrono>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace qrx::space {
namespace {

using IdSet = std::unordered_set<Id, IdHash>;

// No writer takes so long to name what it stored.
constexpr auto nobodys_after = std::chrono::hours(48);
constexpr auto looked_every = std::chrono::hours(24);
constexpr const char* looked_note = "objects looked through";

// Whether it is due, on whichever node; noted at once, so that others leave it alone.
bool begin_to_look(Context& context) {
  const WallTime now = context.clock.wall();
  const auto last = context.catalog.remembered(looked_note);
  if (!last) return false;
  const auto time = *last ? from_rfc3339(**last) : std::nullopt;
  if (time && now - *time < looked_every && *time <= now) return false;
  return context.catalog
      .change(Durability::lazy,
              [&](Transaction& transaction) -> Result<void> {
                transaction.remember(looked_note, to_rfc3339(now));
                return {};
              })
      .has_value();
}

}  // namespace

Result<void> find_nameless(Context& context, const std::function<void(const StoredObject&)>& take,
                           const std::stop_token& stop) {
  std::string from;
  do {
    auto page = context.blobs.objects(from);
    if (!page) return tl::unexpected(page.error());
    std::unordered_map<BlobKey, std::unordered_set<std::string>, IdHash> named;
    for (const StoredObject& object : page->objects) {
      if (auto on = context.go_on(stop); !on) return on;
      if (!object.blob || page->now - object.modified < nobodys_after) continue;
      auto known = named.find(*object.blob);
      if (known == named.end()) {
        auto extents = context.catalog.extents(*object.blob);
        if (!extents) return tl::unexpected(extents.error());
        known = named.try_emplace(*object.blob).first;
        for (Extent& extent : *extents) known->second.insert(std::move(extent.object));
      }
      if (known->second.contains(object.name)) continue;
      auto shared = context.catalog.shares_object(object.name, *object.blob);
      if (!shared) return tl::unexpected(shared.error());
      if (!*shared) take(object);
    }
    from = page->next;
  } while (!from.empty());
  return {};
}

Result<std::uint64_t> remove_nameless(Context& context, std::vector<std::string>& failures,
                                      const std::stop_token& stop) {
  std::uint64_t removed = 0;
  if (!begin_to_look(context)) return removed;
  const auto take = [&](const StoredObject& object) {
    if (auto gone = context.blobs.remove_object(object.name); gone)
      ++removed;
    else
      failures.push_back("object " + object.name + ": " + gone.error().what);
  };
  if (auto looked = find_nameless(context, take, stop); !looked) return tl::unexpected(looked.error());
  return removed;
}

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
