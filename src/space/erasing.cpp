#include "space/erasing.h"

#include <algorithm>
#include <unordered_set>
#include <utility>
#include <vector>

namespace qrx::space {
namespace {

// Guids read from the catalog at a time.
constexpr std::size_t spaces_at_once = 64;

}  // namespace

Result<Removed> Erasing::mark(LiveSpace& live, bool only_expired, std::optional<std::uint64_t> deliveries) {
  Removed removed;
  const Guid guid = live.row.guid;
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    removed = {};
    std::optional<SpaceHead> head;
    // Not there: another node was first, and sees to its rows.
    if (auto there = versions_.advance(live, transaction, head); !there) return there;
    // Its owner, or another node, may have extended it since it was listed: the row decides, inside the transaction.
    if (only_expired && head->expires > context_.clock.wall()) return {};
    // Counted in the transaction: a delivery that comes between the owner's last look and this stops it, and is not
    // lost.
    if (deliveries && transaction.committed_deliveries(guid) != *deliveries)
      return fail(Kind::conflict, "the space holds another number of deliveries");
    removed = transaction.remove_space(guid);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  return removed;
}

// After it was marked. Writers in the middle of a request find `removed` or `stop` at their next step.
void Erasing::end_all(const ExclusiveGate&, LiveSpace& live) {
  std::vector<UploadPtr> uploads;
  {
    const SpaceLock lock(live);
    live.row.phase = Phase::dying;
    for (const auto& [id, upload] : live.uploads) uploads.push_back(upload);
    for (const UploadPtr& upload : uploads) {
      upload->removed = true;
      upload->stop = StopReason::removed;
      upload->released.notify_all();
    }
    for (const auto& [id, delivery] : live.open)
      if (std::exchange(delivery->pack.made, false)) files_.forget_pack(id);
  }
  for (const UploadPtr& upload : uploads) {
    upload->growing->growth = Content::Growth::ended;
    context_.events.upload_grew(upload->row.upload);
  }
  context_.events.space_changed(live.row.guid);
}

std::uint64_t Erasing::forget(const ExclusiveGate&, LiveSpace& live) {
  registry_.forget(live.row.guid);
  std::uint64_t bytes = 0;
  {
    const SpaceLock lock(live);
    for (const auto& [id, upload] : live.uploads) quotas_.withdraw(lock, live, *upload);
    bytes = live.bytes.used;
    quotas_.give_back(lock, live, bytes, {live.files.used, live.manifests.used, live.parts.used, live.texts.used});
    live.uploads.clear();
    live.empty.clear();
    live.open.clear();
  }
  quotas_.give_back_space();
  return bytes;
}

Result<Erased> Erasing::erase(const Guid& guid, bool only_expired, std::optional<std::uint64_t> deliveries) {
  auto found = registry_.find(guid);
  if (!found) return tl::unexpected(found.error());
  if (*found == nullptr) return Erased{};
  LiveSpace& live = **found;
  // Exclusive: nobody is between a check and its row, so no row of this space comes after they were deleted.
  std::optional<ExclusiveGate> gate(live);
  {
    const SpaceLock lock(live);
    // A cheap look, without a transaction, at one that was extended since.
    if (only_expired && live.row.phase != Phase::dying && !registry_.expired(lock, live)) return Erased{};
  }
  auto removed = mark(live, only_expired, deliveries);
  if (!removed && removed.error().kind == Kind::not_found) return Erased{};  // somebody else was first
  if (!removed) return tl::unexpected(removed.error());
  if (!removed->there) return Erased{};
  end_all(*gate, live);
  Erased erased{true, forget(*gate, live)};
  // Unlinking gigabytes takes long, as do many rows, and whoever waits at the gate only has to hear that the space is
  // gone.
  gate.reset();
  erased.whole = removal_.finish(guid, std::move(*removed));
  return erased;
}

Result<void> Erasing::erase_expired(WallTime now, Swept& swept, const std::stop_token& stop) {
  std::unordered_set<Id, IdHash> tried;
  std::size_t failed = 0;  // these are listed again and again, and must not hide the rest
  for (bool more = true; more;) {
    auto expired = context_.catalog.expired(now, spaces_at_once + failed);
    if (!expired) return tl::unexpected(expired.error());
    more = false;
    for (const Guid& guid : *expired) {
      if (auto on = context_.go_on(stop); !on) return on;
      if (!tried.insert(guid).second) continue;
      more = true;
      auto erased = erase(guid, true);
      if (!erased) {
        ++failed;
        swept.failures.push_back(about("space", guid, erased.error()));
        continue;
      }
      if (!erased->done)  // its deletion was begun before
        if (auto gone = removal_.resume(guid, stop); !gone) {
          erased->whole = false;
          swept.failures.push_back(about("space", guid, gone.error()));
        }
      failed += erased->whole ? 0 : 1;
      swept.spaces += erased->done ? 1 : 0;
      swept.bytes += erased->bytes;
    }
  }
  return {};
}

}  // namespace qrx::space
