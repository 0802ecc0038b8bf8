#include "space/sweeping.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "space/clock_guard.h"
#include "space/orphans.h"

namespace qrx::space {
namespace {

// The row was read before the gate was taken. Memory decides: a writer may have come back, or extended it, since.
Result<void> sweep_upload(Rules& rules, const UploadRow& row, WallTime now, Swept& swept) {
  auto live = rules.registry.find(row.guid);
  if (!live) return tl::unexpected(live.error());
  if (*live == nullptr) return {};
  const ExclusiveGate gate(**live);
  UploadPtr upload;
  {
    const SpaceLock lock(**live);
    const auto found = (*live)->uploads.find(row.upload);
    if (found == (*live)->uploads.end() || found->second->locked || found->second->row.expires > now) return {};
    upload = found->second;
  }
  const std::uint64_t bytes = upload->counted;
  if (auto dropped = rules.uploads.drop(SoleUse(gate), **live, upload, rules.context.durability()); !dropped)
    return dropped;
  swept.bytes += bytes;
  ++swept.uploads;
  return {};
}

// By the time of its last use, which only memory knows; after a restart that begins with the start.
Result<void> sweep_delivery(Rules& rules, const DeliveryRow& row) {
  auto live = rules.registry.find(row.guid);
  if (!live) return tl::unexpected(live.error());
  if (*live == nullptr) return {};
  std::optional<ExclusiveGate> gate(**live);
  DeliveryPtr delivery;
  {
    const SpaceLock lock(**live);
    const auto found = (*live)->open.find(row.delivery);
    if (found == (*live)->open.end()) return {};
    const auto of_this = [&](const auto& entry) { return entry.second->row.delivery == row.delivery; };
    if (std::any_of((*live)->uploads.begin(), (*live)->uploads.end(), of_this)) return {};
    if (found->second->last_used + rules.context.policy.upload_expire > rules.context.clock.steady()) return {};
    delivery = found->second;
  }
  auto removed = rules.deliveries.drop(*gate, **live, delivery, rules.context.durability());
  if (!removed) return tl::unexpected(removed.error());
  gate.reset();
  rules.removal.finish(**live, {row.delivery, row.guid}, std::move(*removed));
  return {};
}

Result<void> sweep_uploads(Rules& rules, WallTime now, Swept& swept, const std::stop_token& stop) {
  auto rows = rules.context.catalog.uploads();
  if (!rows) return tl::unexpected(rows.error());
  for (const UploadRow& row : *rows) {
    if (row.expires > now) continue;
    if (auto on = rules.context.go_on(stop); !on) return on;
    if (auto done = sweep_upload(rules, row, now, swept); !done)
      swept.failures.push_back(about("upload", row.upload, done.error()));
  }
  return {};
}

Result<void> sweep_deliveries(Rules& rules, WallTime now, Swept& swept, const std::stop_token& stop) {
  auto open = rules.context.catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  for (const DeliveryRow& row : *open) {
    if (row.created + rules.context.policy.upload_expire > now) continue;
    if (auto on = rules.context.go_on(stop); !on) return on;
    if (auto done = sweep_delivery(rules, row); !done)
      swept.failures.push_back(about("delivery", row.delivery, done.error()));
  }
  return {};
}

}  // namespace

Result<Swept> sweep(Rules& rules, const std::stop_token& stop) {
  // The timer and an operator's `sweep` may come at once: deleting twice costs only time, but the clock guard allows
  // one caller.
  const std::lock_guard one(rules.sweep_mutex);
  // Before the clock is looked at: promises go by the steady clock, which cannot be set.
  rules.quotas.lapse_promises(rules.registry.all());
  // A clock that is years ahead would delete all there is.
  if (auto trusted = rules.clock_guard.trust(); !trusted) return tl::unexpected(trusted.error());
  Swept swept;
  const WallTime now = rules.context.clock.wall();
  if (rules.context.policy.shared)
    // This node is alive: what it holds by limited shares stays its own. Should this fail, the next sweep comes before
    // lease_life is over.
    (void)rules.context.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      transaction.renew_leases(rules.context.node, now, now + rules.context.policy.lease_life);
      return {};
    });
  if (auto erased = rules.erasing.erase_expired(now, swept, stop); !erased) return tl::unexpected(erased.error());
  if (auto done = sweep_uploads(rules, now, swept, stop); !done) return tl::unexpected(done.error());
  if (auto done = sweep_deliveries(rules, now, swept, stop); !done) return tl::unexpected(done.error());
  // On a full disk it fails, and what makes room comes after it.
  if (auto forgotten = rules.receipts.forget_old(stop); !forgotten) {
    if (auto on = rules.context.go_on(stop); !on) return tl::unexpected(on.error());
    swept.failures.push_back("receipts: " + forgotten.error().what);
  }
  if (auto gone = rules.removal.resume(swept.failures, stop); !gone) return tl::unexpected(gone.error());
  if (auto emptied = rules.trash.empty(swept.failures, stop); !emptied) return tl::unexpected(emptied.error());
  auto aside = rules.context.blobs.in_objects() ? remove_nameless(rules.context, swept.failures, stop)
                                                : set_orphans_aside(rules.context, false, swept.failures, stop);
  if (!aside) return tl::unexpected(aside.error());
  return swept;
}

}  // namespace qrx::space
