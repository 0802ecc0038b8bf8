#include <algorithm>
#include <sstream>
#include <thread>
#include <unordered_set>

#include "space/writer.h"

namespace qrx::space {
namespace {

using IdSet = std::unordered_set<Id, IdHash>;

constexpr std::size_t spaces_at_once = 64;
constexpr std::size_t files_at_once = 1000;
// ext4 makes files slowly for a while after many were unlinked: deletions give way to who is writing.
constexpr unsigned unlinks_at_once = 64;
constexpr auto pause_between_unlinks = Millis(1);
constexpr auto clock_jump = Millis(3600 * 1000);

// Wall and steady time of one moment, to see whether both went on alike since.
struct Moment {
  std::int64_t wall = 0, steady = 0;
};

bool agree(const Moment& then, const Moment& now) {
  const std::int64_t limit = clock_jump.count();
  // The steady clock begins anew when the machine does; how long it was off is not known then.
  if (now.steady < then.steady) return now.wall >= then.wall - limit;
  const std::int64_t difference = (now.wall - then.wall) - (now.steady - then.steady);
  return difference <= limit && difference >= -limit;
}

// The last moment that was trusted and, while the clock is in doubt, the moment since when it has been steady again.
struct ClockNote {
  Moment trusted;
  std::optional<Moment> doubted;

  std::string text() const {
    std::ostringstream out;
    out << trusted.wall << ' ' << trusted.steady;
    if (doubted) out << ' ' << doubted->wall << ' ' << doubted->steady;
    return out.str();
  }
  static std::optional<ClockNote> parse(const std::string& text) {
    std::istringstream in(text);
    ClockNote note;
    Moment doubted;
    if (!(in >> note.trusted.wall >> note.trusted.steady)) return std::nullopt;
    if (in >> doubted.wall >> doubted.steady) note.doubted = doubted;
    return note;
  }
};

constexpr const char* clock_note = "clock";

}  // namespace

Result<void> Rules::trust_clock() {
  const Moment now{clock.wall().time_since_epoch().count(),
                   std::chrono::duration_cast<Millis>(clock.steady().time_since_epoch()).count()};
  auto text = catalog.remembered(clock_note);
  if (!text) return tl::unexpected(text.error());
  std::optional<ClockNote> note;
  if (*text) note = ClockNote::parse(**text);
  const bool settled =
      note && note->doubted && now.steady - note->doubted->steady >= clock_jump.count() && agree(*note->doubted, now);
  const bool trusted = !note || agree(note->trusted, now) || settled;
  if (trusted)
    note = ClockNote{now, std::nullopt};
  else if (!note->doubted || !agree(*note->doubted, now))
    note->doubted = now;
  auto changed = catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remember(clock_note, note->text());
    return {};
  });
  if (!changed) return changed;
  if (trusted) return {};
  return fail(Kind::unavailable, "the clock jumped by more than an hour: nothing was deleted",
              "set the clock right, or try again when it has gone on for an hour");
}

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
      if (delivery->pack.staged == nullptr) continue;
      delivery->pack.staged.reset();
      --packs;
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
    erased.bytes = live.bytes;
    give_back(live, live.bytes, {live.files, live.manifests});
    live.uploads.clear();
    live.open.clear();
  }
  const std::lock_guard lock(totals_mutex);
  totals.spaces -= std::min<std::uint64_t>(totals.spaces, 1);
  return erased;
}

Result<std::uint64_t> Rules::set_orphans_aside(bool starting) {
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
    if (used.contains(use.blob)) continue;
    if (packs_of.contains(use.blob)) {
      // Small files that were accepted, never acknowledged, by a process that is gone.
      if (starting)
        if (auto removed = blobs.remove(use.blob); !removed) return tl::unexpected(removed.error());
      continue;
    }
    const std::lock_guard lock(removing_mutex);
    if (removing.contains(use.blob)) continue;
    auto moved = blobs.quarantine(use.blob);
    if (moved)
      ++aside;
    else if (moved.error().kind != Kind::not_found && moved.error().kind != Kind::exists)
      return tl::unexpected(moved.error());
  }
  return aside;
}

Result<Spaces::Recovered> Spaces::recover() {
  Recovered recovered;
  constexpr WallTime never = WallTime::min();
  auto dying = impl_->catalog.expired(never, spaces_at_once);
  while (dying && !dying->empty()) {
    for (const Guid& guid : *dying)
      if (auto erased = impl_->erase(guid, false); !erased) return tl::unexpected(erased.error());
    dying = impl_->catalog.expired(never, spaces_at_once);
  }
  if (!dying) return tl::unexpected(dying.error());

  auto there = impl_->blobs.list();
  if (!there) return tl::unexpected(there.error());
  std::unordered_map<Id, std::uint64_t, IdHash> staged;
  std::unordered_map<Id, std::uint64_t, IdHash> stored;
  for (const BlobUse& use : *there) (use.staged ? staged : stored)[use.blob] = use.size;
  auto rows = impl_->catalog.uploads();
  if (!rows) return tl::unexpected(rows.error());
  for (const UploadRow& row : *rows) {
    ++recovered.uploads;
    if (row.damaged) continue;
    auto live = impl_->find(row.guid);
    if (!live) return tl::unexpected(live.error());
    if (*live == nullptr) continue;
    UploadPtr upload;
    {
      const std::lock_guard lock((*live)->mutex);
      const auto found = (*live)->uploads.find(row.upload);
      if (found == (*live)->uploads.end() || found->second->held) continue;
      upload = found->second;
      upload->held = true;
    }
    const Hold hold(*impl_, *live, upload);
    const auto in_store = stored.find(row.blob);
    const auto in_staging = staged.find(row.blob);
    const std::uint64_t size = in_staging == staged.end() ? 0 : in_staging->second;
    bool complete = row.length == row.offset && !row.partial;
    if (in_store != stored.end()) {
      // It ended between the move of its blob and its row: all bytes are there, and durable.
      complete = row.length == in_store->second;
      if (!complete) {
        impl_->spoil(**live, *upload);
        ++recovered.damaged;
        continue;
      }
      upload->published = true;
    } else if (size < row.offset) {
      impl_->spoil(**live, *upload);
      ++recovered.damaged;
      continue;
    } else if (size > row.offset) {
      auto blob = impl_->blobs.reopen(row.blob);
      if (!blob) return tl::unexpected(blob.error());
      if (auto cut = (*blob)->truncate(row.offset); !cut) return tl::unexpected(cut.error());
      if (auto durable = (*blob)->make_durable(); !durable) return tl::unexpected(durable.error());
      ++recovered.truncated;
    }
    if (!complete) continue;
    const std::shared_lock gate((*live)->gate);
    // One upload must not keep the server from starting; its sender meets the fault when he goes on with it.
    if (auto file = impl_->complete(**live, upload); !file) ++recovered.incomplete;
  }
  auto aside = impl_->set_orphans_aside(true);
  if (!aside) return tl::unexpected(aside.error());
  recovered.quarantined = *aside;
  if (auto note = impl_->catalog.remembered(clock_note); note && !*note)
    if (auto trusted = impl_->trust_clock(); !trusted) return tl::unexpected(trusted.error());
  return recovered;
}

Result<Spaces::Swept> Spaces::sweep() {
  const std::lock_guard one(impl_->sweep_mutex);
  if (auto trusted = impl_->trust_clock(); !trusted) return tl::unexpected(trusted.error());
  Swept swept;
  const WallTime now = impl_->clock.wall();
  IdSet tried;
  for (bool more = true; more;) {
    auto expired = impl_->catalog.expired(now, spaces_at_once);
    if (!expired) return tl::unexpected(expired.error());
    more = false;
    for (const Guid& guid : *expired) {
      if (!tried.insert(guid).second) continue;
      more = true;
      auto erased = impl_->erase(guid, true);
      if (!erased) return tl::unexpected(erased.error());
      swept.spaces += erased->done ? 1 : 0;
      swept.bytes += erased->bytes;
    }
  }

  auto rows = impl_->catalog.uploads();
  if (!rows) return tl::unexpected(rows.error());
  for (const UploadRow& row : *rows) {
    if (row.expires > now) continue;
    auto live = impl_->find(row.guid);
    if (!live) return tl::unexpected(live.error());
    if (*live == nullptr) continue;
    const std::unique_lock gate((*live)->gate);
    UploadPtr upload;
    {
      const std::lock_guard lock((*live)->mutex);
      const auto found = (*live)->uploads.find(row.upload);
      if (found == (*live)->uploads.end() || found->second->held || found->second->row.expires > now) continue;
      upload = found->second;
    }
    swept.bytes += upload->counted;
    if (auto dropped = impl_->drop_upload(**live, upload); !dropped) return tl::unexpected(dropped.error());
    ++swept.uploads;
  }

  auto open = impl_->catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  for (const DeliveryRow& row : *open) {
    if (row.created + impl_->policy.upload_expire > now) continue;
    auto live = impl_->find(row.guid);
    if (!live) return tl::unexpected(live.error());
    if (*live == nullptr) continue;
    const std::unique_lock gate((*live)->gate);
    DeliveryPtr delivery;
    {
      const std::lock_guard lock((*live)->mutex);
      const auto found = (*live)->open.find(row.delivery);
      if (found == (*live)->open.end()) continue;
      const auto of_this = [&](const auto& entry) { return entry.second->row.delivery == row.delivery; };
      if (std::any_of((*live)->uploads.begin(), (*live)->uploads.end(), of_this)) continue;
      if (found->second->last_used + impl_->policy.upload_expire > impl_->clock.steady()) continue;
      delivery = found->second;
    }
    if (auto dropped = impl_->drop_delivery(**live, delivery); !dropped) return tl::unexpected(dropped.error());
  }
  if (auto aside = impl_->set_orphans_aside(false); !aside) return tl::unexpected(aside.error());
  return swept;
}

Result<Spaces::Checked> Spaces::check(const std::function<void(const std::string&)>& tell) {
  Checked checked;
  if (auto sound = impl_->catalog.check(); !sound) {
    if (sound.error().kind != Kind::integrity) return tl::unexpected(sound.error());
    ++checked.corrupt;
    tell(sound.error().what);
  }
  auto there = impl_->blobs.list();
  if (!there) return tl::unexpected(there.error());
  // What is deleted while we look is no finding.
  const auto still_wanted = [&](const FileRow& file) {
    auto row = impl_->catalog.file(file.file);
    auto space = impl_->catalog.space(file.guid);
    return row && *row && space && *space != nullptr && (*space)->space.phase != Phase::dying;
  };
  Id last{};
  for (;;) {
    auto files = impl_->catalog.files_after(last, files_at_once);
    if (!files) return tl::unexpected(files.error());
    if (files->empty()) break;
    last = files->back().file;
    for (const FileRow& file : *files) {
      if (impl_->stopping) return fail(Kind::unavailable, "the server is stopping");
      ++checked.files;
      const std::string what = "file " + file.file.text() + " of space " + file.guid.text();
      auto blob = impl_->blobs.open(file.blob);
      if (!blob) {
        if (blob.error().kind != Kind::not_found) return tl::unexpected(blob.error());
        if (!still_wanted(file)) continue;
        ++checked.missing;
        tell(what + ": its bytes are missing");
        continue;
      }
      Xxh128 sum;
      auto read = read_through(**blob, file.blob_offset, file.size, [&](ByteView bytes) { sum.update(bytes); });
      checked.bytes += file.size;
      if (read && sum.sum() == file.xxh128) continue;
      if (!still_wanted(file)) continue;
      ++checked.corrupt;
      tell(what + ": " + (read ? "its checksum differs" : read.error().what));
    }
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
