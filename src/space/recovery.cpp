#include "space/recovery.h"

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "space/clock_guard.h"
#include "space/commit_rows.h"
#include "space/orphans.h"

namespace qrx::space {
namespace {

struct BlobSizes {
  std::unordered_map<Id, std::uint64_t, IdHash> staged, stored;
};

// What a start makes of one upload: cut to its durable offset, completed when all is there, or marked as damaged.
// Bytes beyond the durable offset were never acknowledged and may be torn; fewer than the offset means that
// acknowledged ones are lost, which its sender must hear.
Result<void> recover_upload(Rules& rules, const UploadRow& row, const BlobSizes& there, Recovered& recovered,
                            const std::stop_token& stop) {
  auto live = rules.registry.find(row.guid);
  if (!live) return tl::unexpected(live.error());
  if (*live == nullptr) return {};
  UploadPtr upload;
  std::optional<UploadLock> lock_of_upload;
  {
    const SpaceLock lock(**live);
    const auto found = (*live)->uploads.find(row.upload);
    if (found == (*live)->uploads.end() || found->second->locked) return {};
    upload = found->second;
    lock_of_upload.emplace(UploadLock::adopt(lock, **live, upload));
  }
  const auto in_store = there.stored.find(row.blob);
  const auto in_staging = there.staged.find(row.blob);
  const std::uint64_t size = in_staging == there.staged.end() ? 0 : in_staging->second;
  const auto damaged = [&]() -> Result<void> {
    rules.completion.mark_corrupt(**live, *upload);
    ++recovered.damaged;
    return {};
  };
  bool complete_now = row.length == row.offset && !row.partial;
  if (in_store != there.stored.end()) {
    // It ended between the move of its blob and its row: all bytes are there, and durable.
    complete_now = row.length == in_store->second;
    if (!complete_now) return damaged();
    upload->published = upload->found_whole = true;
  } else if (size < row.offset) {
    return damaged();
  } else if (size > row.offset) {
    auto blob = rules.context.blobs.reopen(row.blob);
    if (!blob) return tl::unexpected(blob.error());
    if (auto cut = (*blob)->truncate(row.offset); !cut) return cut;
    // Or a power cut could bring the bytes back after new ones were counted behind the offset.
    if (auto durable = (*blob)->make_durable(); !durable) return tl::unexpected(durable.error());
    ++recovered.truncated;
  }
  if (!complete_now) return {};
  const SharedGate gate(**live);
  // One upload must not keep the server from starting; its sender meets the fault on the next try.
  if (auto file = rules.completion.complete(gate, **live, *lock_of_upload, {}, stop); !file) ++recovered.incomplete;
  return {};
}

}  // namespace

Result<Recovered> recover(Rules& rules, const std::stop_token& stop) {
  // Before anything is in memory, or in the totals, which would count it. Of many nodes there is none.
  if (!rules.context.policy.shared)
    if (auto clean = CommitRows(rules.context, rules.versions).take_back_all(); !clean)
      return tl::unexpected(clean.error());
  // A server that does not know what it holds does not start.
  if (auto known = rules.quotas.know_totals(); !known) return tl::unexpected(known.error());
  Recovered recovered;
  if (rules.context.policy.shared) return recovered;  // what there is may be somebody else's
  Swept dying;
  // No time is in the past of this one: only deletions that were begun are ended. What expired waits for a sweep, which
  // looks at the clock first.
  if (auto erased = rules.erasing.erase_expired(WallTime::min(), dying, stop); !erased)
    return tl::unexpected(erased.error());
  recovered.failures = std::move(dying.failures);
  if (auto gone = rules.removal.resume(recovered.failures, stop); !gone) return tl::unexpected(gone.error());
  if (!rules.context.blobs.in_objects())  // else the first sweep does: what it waits for is a network
    if (auto emptied = rules.trash.empty(recovered.failures, stop); !emptied) return tl::unexpected(emptied.error());

  auto there = rules.context.blobs.list();
  if (!there) return tl::unexpected(there.error());
  BlobSizes sizes;
  for (const BlobUse& use : *there) (use.staged ? sizes.staged : sizes.stored)[use.blob] = use.size;
  auto rows = rules.context.catalog.uploads();
  if (!rows) return tl::unexpected(rows.error());
  // In objects there is what the rows tell.
  if (rules.context.blobs.in_objects())
    for (const UploadRow& row : *rows) sizes.staged[row.blob] = row.offset;
  for (const UploadRow& row : *rows) {
    if (auto on = rules.context.go_on(stop); !on) return tl::unexpected(on.error());
    ++recovered.uploads;
    if (row.damaged) continue;
    if (auto done = recover_upload(rules, row, sizes, recovered, stop); !done)
      recovered.failures.push_back(about("upload", row.upload, done.error()));
  }
  // Last: by now each upload is a row with its blob, or a file, or gone.
  if (!rules.context.blobs.in_objects()) {
    auto aside = set_orphans_aside(rules.context, true, recovered.failures, stop);
    if (!aside) return tl::unexpected(aside.error());
    recovered.quarantined = *aside;
  }
  if (auto begun = rules.clock_guard.begin(); !begun) return tl::unexpected(begun.error());
  return recovered;
}

}  // namespace qrx::space
