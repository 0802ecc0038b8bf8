#include <algorithm>
#include <thread>
#include <unordered_set>

#include "space/clock_guard.h"
#include "space/writer.h"

namespace qrx::space {
namespace {

using IdSet = std::unordered_set<Id, IdHash>;

constexpr std::size_t spaces_at_once = 64;
constexpr std::size_t files_at_once = 1000;
// ext4 makes files slowly for a while after many were unlinked: deletions give way to who is writing.
constexpr unsigned unlinks_at_once = 64;
constexpr auto pause_between_unlinks = Millis(1);

// "blob ID: reason", for what goes on without it.
std::string about(const char* thing, const Id& id, const Error& error) {
  return std::string(thing) + " " + id.text() + ": " + error.what;
}

}  // namespace

Result<Rules::Erased> Rules::erase(const Guid& guid, bool only_expired, std::optional<std::uint64_t> deliveries) {
  auto found = find(guid);
  if (!found) return tl::unexpected(found.error());
  if (*found == nullptr) return Erased{};
  LiveSpace& live = **found;
  const std::unique_lock gate(live.gate);
  Phase before{};
  {
    const std::lock_guard lock(live.mutex);
    before = live.row.phase;
    if (only_expired && before != Phase::dying && !expired(live)) return Erased{};
  }
  if (deliveries && before != Phase::dying) {
    const auto held = catalog.space(guid);
    if (!held) return tl::unexpected(held.error());
    const auto committed = [](const DeliveryRow& delivery) { return delivery.committed.has_value(); };
    if (*held && std::count_if((*held)->deliveries.begin(), (*held)->deliveries.end(), committed) !=
                     static_cast<std::int64_t>(*deliveries))
      return fail(Kind::conflict, "the space holds another number of deliveries");
  }
  auto marked = catalog.change(durable(), [&](Transaction& transaction) -> Result<void> {
    bump(live, transaction, [](SpaceRow& row) { row.phase = Phase::dying; });
    return {};
  });
  if (!marked) {
    const std::lock_guard lock(live.mutex);
    live.row.phase = before;
    return tl::unexpected(marked.error());
  }
  IdSet keys;
  std::vector<UploadPtr> uploads;
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [id, upload] : live.uploads) uploads.push_back(upload);
    for (const UploadPtr& upload : uploads) {
      upload->removed = true;
      upload->stop = StopReason::removed;
      upload->released.notify_all();
    }
    for (const auto& [id, delivery] : live.open) {
      if (!std::exchange(delivery->pack.made, false)) continue;
      packs.forget(id);
      keys.insert(id);
    }
  }
  for (const UploadPtr& upload : uploads) {
    upload->growing->growth = Content::Growth::ended;
    events.upload_grew(upload->row.upload);
  }
  announce(live);

  auto state = catalog.space(guid);
  if (!state) return tl::unexpected(state.error());
  if (*state != nullptr) {
    for (const FileRow& file : (*state)->files) keys.insert(file.blob);
    for (const UploadRow& upload : (*state)->uploads) keys.insert(upload.blob);
  }
  unsigned unlinked = 0;
  for (const Id& key : keys) {
    if (auto removed = blobs.remove(key); !removed) return tl::unexpected(removed.error());
    if (++unlinked % unlinks_at_once == 0) std::this_thread::sleep_for(pause_between_unlinks);
  }
  auto changed = catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remove_space(guid);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  forget(guid);
  Erased erased{true, 0};
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [id, upload] : live.uploads) withdraw(live, *upload);
    erased.bytes = live.bytes.used;
    give_back(live, live.bytes.used, {live.files.used, live.manifests.used, live.parts.used});
    live.uploads.clear();
    live.empty.clear();
    live.open.clear();
  }
  const std::lock_guard lock(totals_mutex);
  spaces -= std::min<std::uint64_t>(spaces, 1);
  return erased;
}

Result<std::uint64_t> Rules::set_orphans_aside(bool starting, std::vector<std::string>& failures,
                                               const std::stop_token& stop) {
  // What is there first, what should be there afterwards: a row always comes before its blob. Open deliveries before
  // files: a delivery that is committed between the looks is then seen twice rather than not at all.
  auto there = blobs.list();
  if (!there) return tl::unexpected(there.error());
  auto open = catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  auto named = catalog.blobs();
  if (!named) return tl::unexpected(named.error());
  const IdSet used(named->begin(), named->end());
  IdSet packs_of;
  for (const DeliveryRow& delivery : *open) packs_of.insert(delivery.delivery);
  std::uint64_t aside = 0;
  for (const BlobUse& use : *there) {
    if (auto on = go_on(stop); !on) return tl::unexpected(on.error());
    if (used.contains(use.blob)) continue;
    if (packs_of.contains(use.blob)) {
      // Small files that were accepted, never acknowledged, by a process that is gone.
      if (starting)
        if (auto removed = blobs.remove(use.blob); !removed)
          failures.push_back(about("blob", use.blob, removed.error()));
      continue;
    }
    const std::lock_guard lock(removing_mutex);
    if (removing.contains(use.blob)) continue;
    auto moved = blobs.quarantine(use.blob);
    if (moved)
      ++aside;
    else if (moved.error().kind != Kind::not_found && moved.error().kind != Kind::exists)
      failures.push_back(about("blob", use.blob, moved.error()));
  }
  return aside;
}

Result<void> Rules::erase_expired(WallTime now, Spaces::Swept& swept, const std::stop_token& stop) {
  IdSet tried;
  std::size_t failed = 0;  // these are listed again and again, and must not hide the rest
  for (bool more = true; more;) {
    auto expired = catalog.expired(now, spaces_at_once + failed);
    if (!expired) return tl::unexpected(expired.error());
    more = false;
    for (const Guid& guid : *expired) {
      if (auto on = go_on(stop); !on) return on;
      if (!tried.insert(guid).second) continue;
      more = true;
      auto erased = erase(guid, true);
      if (!erased) {
        ++failed;
        swept.failures.push_back(about("space", guid, erased.error()));
        continue;
      }
      swept.spaces += erased->done ? 1 : 0;
      swept.bytes += erased->bytes;
    }
  }
  return {};
}

// What a start makes of one upload: cut to its durable offset, completed when all is there, or marked as damaged.
Result<void> Rules::recover_upload(const UploadRow& row, const BlobSizes& there, Spaces::Recovered& recovered,
                                   const std::stop_token& stop) {
  auto live = find(row.guid);
  if (!live) return tl::unexpected(live.error());
  if (*live == nullptr) return {};
  UploadPtr upload;
  {
    const std::lock_guard lock((*live)->mutex);
    const auto found = (*live)->uploads.find(row.upload);
    if (found == (*live)->uploads.end() || found->second->held) return {};
    upload = found->second;
    upload->held = true;
  }
  const Hold hold(*this, *live, upload);
  const auto in_store = there.stored.find(row.blob);
  const auto in_staging = there.staged.find(row.blob);
  const std::uint64_t size = in_staging == there.staged.end() ? 0 : in_staging->second;
  const auto damaged = [&]() -> Result<void> {
    spoil(**live, *upload);
    ++recovered.damaged;
    return {};
  };
  bool complete_now = row.length == row.offset && !row.partial;
  if (in_store != there.stored.end()) {
    // It ended between the move of its blob and its row: all bytes are there, and durable.
    complete_now = row.length == in_store->second;
    if (!complete_now) return damaged();
    upload->published = true;
  } else if (size < row.offset) {
    return damaged();
  } else if (size > row.offset) {
    auto blob = blobs.reopen(row.blob);
    if (!blob) return tl::unexpected(blob.error());
    if (auto cut = (*blob)->truncate(row.offset); !cut) return cut;
    if (auto durable = (*blob)->make_durable(); !durable) return durable;
    ++recovered.truncated;
  }
  if (!complete_now) return {};
  const std::shared_lock gate((*live)->gate);
  // One upload must not keep the server from starting; its sender meets the fault on the next try.
  if (auto file = complete(**live, upload, {}, stop); !file) ++recovered.incomplete;
  return {};
}

Result<Spaces::Recovered> Spaces::recover(std::stop_token stop) {
  {
    const std::lock_guard lock(impl_->totals_mutex);
    if (auto known = impl_->know_totals(); !known) return tl::unexpected(known.error());
  }
  Recovered recovered;
  Swept dying;
  if (auto erased = impl_->erase_expired(WallTime::min(), dying, stop); !erased) return tl::unexpected(erased.error());
  recovered.failures = std::move(dying.failures);

  auto there = impl_->blobs.list();
  if (!there) return tl::unexpected(there.error());
  Rules::BlobSizes sizes;
  for (const BlobUse& use : *there) (use.staged ? sizes.staged : sizes.stored)[use.blob] = use.size;
  auto rows = impl_->catalog.uploads();
  if (!rows) return tl::unexpected(rows.error());
  for (const UploadRow& row : *rows) {
    if (auto on = impl_->go_on(stop); !on) return tl::unexpected(on.error());
    ++recovered.uploads;
    if (row.damaged) continue;
    if (auto done = impl_->recover_upload(row, sizes, recovered, stop); !done)
      recovered.failures.push_back(about("upload", row.upload, done.error()));
  }
  auto aside = impl_->set_orphans_aside(true, recovered.failures, stop);
  if (!aside) return tl::unexpected(aside.error());
  recovered.quarantined = *aside;
  if (!clock_is_noted(impl_->catalog))
    if (auto trusted = trust_clock(impl_->catalog, impl_->clock); !trusted) return tl::unexpected(trusted.error());
  return recovered;
}

Result<void> Rules::sweep_upload(const UploadRow& row, WallTime now, Spaces::Swept& swept) {
  auto live = find(row.guid);
  if (!live) return tl::unexpected(live.error());
  if (*live == nullptr) return {};
  const std::unique_lock gate((*live)->gate);
  UploadPtr upload;
  {
    const std::lock_guard lock((*live)->mutex);
    const auto found = (*live)->uploads.find(row.upload);
    if (found == (*live)->uploads.end() || found->second->held || found->second->row.expires > now) return {};
    upload = found->second;
  }
  const std::uint64_t bytes = upload->counted;
  if (auto dropped = drop_upload(**live, upload, durable()); !dropped) return dropped;
  swept.bytes += bytes;
  ++swept.uploads;
  return {};
}

Result<void> Rules::sweep_delivery(const DeliveryRow& row) {
  auto live = find(row.guid);
  if (!live) return tl::unexpected(live.error());
  if (*live == nullptr) return {};
  const std::unique_lock gate((*live)->gate);
  DeliveryPtr delivery;
  {
    const std::lock_guard lock((*live)->mutex);
    const auto found = (*live)->open.find(row.delivery);
    if (found == (*live)->open.end()) return {};
    const auto of_this = [&](const auto& entry) { return entry.second->row.delivery == row.delivery; };
    if (std::any_of((*live)->uploads.begin(), (*live)->uploads.end(), of_this)) return {};
    if (found->second->last_used + policy.upload_expire > clock.steady()) return {};
    delivery = found->second;
  }
  return drop_delivery(**live, delivery, durable());
}

Result<Spaces::Swept> Spaces::sweep(std::stop_token stop) {
  const std::lock_guard one(impl_->sweep_mutex);
  impl_->lapse_promises();
  if (auto trusted = trust_clock(impl_->catalog, impl_->clock); !trusted) return tl::unexpected(trusted.error());
  Swept swept;
  const WallTime now = impl_->clock.wall();
  if (auto erased = impl_->erase_expired(now, swept, stop); !erased) return tl::unexpected(erased.error());

  auto rows = impl_->catalog.uploads();
  if (!rows) return tl::unexpected(rows.error());
  for (const UploadRow& row : *rows) {
    if (row.expires > now) continue;
    if (auto on = impl_->go_on(stop); !on) return tl::unexpected(on.error());
    if (auto done = impl_->sweep_upload(row, now, swept); !done)
      swept.failures.push_back(about("upload", row.upload, done.error()));
  }
  auto open = impl_->catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  for (const DeliveryRow& row : *open) {
    if (row.created + impl_->policy.upload_expire > now) continue;
    if (auto on = impl_->go_on(stop); !on) return tl::unexpected(on.error());
    if (auto done = impl_->sweep_delivery(row); !done)
      swept.failures.push_back(about("delivery", row.delivery, done.error()));
  }
  if (auto aside = impl_->set_orphans_aside(false, swept.failures, stop); !aside) return tl::unexpected(aside.error());
  return swept;
}

// Compares one file with its bytes. What is deleted while we look is no finding.
Result<void> Rules::check_file(const FileRow& file, Spaces::Checked& checked,
                               const std::function<void(const std::string&)>& tell, const std::stop_token& stop) {
  const auto still_wanted = [&] {
    auto row = catalog.file(file.file);
    auto space = catalog.space(file.guid);
    return row && *row && space && *space != nullptr && (*space)->space.phase != Phase::dying;
  };
  ++checked.files;
  const std::string what = "file " + file.file.text() + " of space " + file.guid.text();
  auto blob = blobs.open(file.blob);
  if (!blob) {
    if (!still_wanted()) return {};
    ++checked.missing;
    const bool absent = blob.error().kind == Kind::not_found;
    tell(what + ": " + (absent ? "its bytes are missing" : blob.error().what));
    return {};
  }
  Xxh128 sum;
  const auto add = [&](ByteView bytes) -> Result<void> {
    sum.update(bytes);
    return {};
  };
  auto read = read_through(*this, **blob, file.blob_offset, file.size, add, stop);
  if (auto on = go_on(stop); !on) return on;
  checked.bytes += file.size;
  if ((read && sum.sum() == file.xxh128) || !still_wanted()) return {};
  ++checked.corrupt;
  tell(what + ": " + (read ? "its checksum differs" : read.error().what));
  return {};
}

Result<Spaces::Checked> Spaces::check(const std::function<void(const std::string&)>& tell, std::stop_token stop) {
  Checked checked;
  if (auto sound = impl_->catalog.check(); !sound) {
    if (sound.error().kind != Kind::integrity) return tl::unexpected(sound.error());
    ++checked.corrupt;
    tell(sound.error().what);
  }
  auto there = impl_->blobs.list();
  if (!there) return tl::unexpected(there.error());
  Id last{};
  for (;;) {
    auto files = impl_->catalog.files_after(last, files_at_once);
    if (!files) return tl::unexpected(files.error());
    if (files->empty()) break;
    last = files->back().file;
    for (const FileRow& file : *files)
      if (auto done = impl_->check_file(file, checked, tell, stop); !done) return tl::unexpected(done.error());
  }
  auto uploads = impl_->catalog.uploads();
  if (!uploads) return tl::unexpected(uploads.error());
  std::unordered_map<Id, std::uint64_t, IdHash> sizes;
  for (const BlobUse& use : *there) sizes[use.blob] = use.size;
  for (const UploadRow& row : *uploads) {
    const auto size = sizes.find(row.blob);
    if (row.offset == 0 || (size != sizes.end() && size->second >= row.offset)) continue;
    if (auto opened = impl_->blobs.open(row.blob); opened && (*opened)->size() >= row.offset) continue;
    ++checked.missing;
    tell("upload " + row.upload.text() + " of space " + row.guid.text() + ": bytes that were acknowledged are missing");
  }
  auto open = impl_->catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  auto named = impl_->catalog.blobs();
  if (!named) return tl::unexpected(named.error());
  IdSet used(named->begin(), named->end());
  for (const DeliveryRow& delivery : *open) used.insert(delivery.delivery);
  for (const BlobUse& use : *there) {
    if (used.contains(use.blob)) continue;
    if (auto opened = impl_->blobs.open(use.blob); !opened) continue;
    ++checked.orphans;
    tell("blob " + use.blob.text() + ": nothing in the catalog names it");
  }
  return checked;
}

}  // namespace qrx::space
