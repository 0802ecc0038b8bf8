#include "space/versions.h"

#include <algorithm>

#include "space/quotas.h"

namespace qrx::space {
namespace {

// Often enough for a progress bar; each moves all who wait for this space.
constexpr auto progress_interval = Millis(200);

}  // namespace

std::uint64_t Versions::next(const SpaceLock&, const LiveSpace& live) const {
  const auto now =
      static_cast<std::uint64_t>(std::max<std::int64_t>(0, context_.clock.wall().time_since_epoch().count()));
  // Beyond everything that was shown, committed or handed out. The clock (milliseconds) carries it over a restart: what
  // was shown in memory only is behind it, if a version was moved less than a thousand times a second.
  return std::max({live.version.load() + 1, live.row.seq + 1, live.issued + 1, now});
}

Result<void> Versions::advance(LiveSpace& live, Transaction& transaction, std::optional<SpaceHead>& head,
                               SpaceChange change) {
  {
    const SpaceLock lock(live);
    // Readers remember the highest version they saw: a committed one below it would be taken for old.
    change.at_least = live.issued = next(lock, live);
  }
  // Without the lock: with other nodes the catalog waits here for whoever changes the same space.
  const SpaceChanged changed = transaction.change_space(live.row.guid, change);
  if (changed.taken != Taken::yes) return refused(changed.taken, live.row.limits);
  head = changed.head;
  const SpaceLock lock(live);
  live.issued = std::max(live.issued, changed.head.seq);
  return {};
}

Result<void> Versions::change(LiveSpace& live, const SpaceChange& change) {
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(
      context_.durability(), [&](Transaction& transaction) { return advance(live, transaction, head, change); });
  if (changed) publish(live, head);
  return changed;
}

void Versions::publish(LiveSpace& live, const std::optional<SpaceHead>& head) {
  {
    const SpaceLock lock(live);
    if (head && head->seq > live.row.seq) {  // unless a later change was first
      live.row.seq = head->seq;
      live.row.expires = head->expires;
      live.row.phase = head->phase;
      live.blocked = head->phase == Phase::blocked;
      live.row.use = head->use;
    }
    // Progress may have moved it on while the change was under way, and shown what was before.
    if (head && live.version < head->seq)
      live.version = head->seq;
    else if (head && !context_.policy.shared)
      live.version = next(lock, live);
    live.compared = 0;  // memory was changed by hand
  }
  context_.events.space_changed(live.row.guid);
}

void Versions::progress(LiveSpace& live) {
  if (context_.policy.shared) return;  // it comes with what is recorded
  {
    const SpaceLock lock(live);
    const Steady now = context_.clock.steady();
    if (live.last_progress != Steady{} && now - live.last_progress < progress_interval) return;
    live.last_progress = now;
    live.version = next(lock, live);
  }
  context_.events.space_changed(live.row.guid);
}

Result<void> Versions::note(LiveSpace& live, Transaction& transaction, std::optional<SpaceHead>& head) {
  if (!context_.policy.shared) return {};
  if (auto there = advance(live, transaction, head); !there) return there;
  // This node's memory may be old: the row decides, and ends the transaction.
  if (head->phase == Phase::blocked || head->expires <= context_.clock.wall())
    return fail(Kind::gone, "this space has expired");
  return {};
}

void Versions::changed(LiveSpace& live, const std::optional<SpaceHead>& head) {
  if (head) return publish(live, head);
  {
    const SpaceLock lock(live);
    live.version = next(lock, live);
  }
  context_.events.space_changed(live.row.guid);
}

void Versions::changed(LiveSpace& live) {
  std::optional<SpaceHead> head;
  if (context_.policy.shared)
    // Should it fail, other nodes show it with the next change.
    (void)context_.catalog.change(Durability::lazy,
                                  [&](Transaction& transaction) { return advance(live, transaction, head); });
  changed(live, head);
}

}  // namespace qrx::space
