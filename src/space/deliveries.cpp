#include <algorithm>

#include "space/content_type.h"
#include "space/live.h"
#include "wire/messages.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

// Open deliveries of one space: they cost memory, and a file each once they have small files.
constexpr std::size_t most_open = 256;
constexpr std::size_t most_open_of_peer = most_open / 4;
// When an open delivery yields to a newcomer of another client, and when its small files, which are not acknowledged
// before the commit, no longer count for it.
constexpr auto idle_after = Seconds(10);
constexpr auto forsaken_after = Seconds(60);

wire::ReceivedFile received(const FileRow& row) {
  return {row.name, row.size, row.xxh128};
}

wire::DeliveryState state_of(const LiveDelivery& delivery) {
  wire::DeliveryState state;
  state.delivery = delivery.row.delivery;
  for (const FileRow& row : delivery.stored) state.files.push_back(received(row));
  for (const auto& [name, row] : delivery.pack.files) state.files.push_back(received(row));
  return state;
}

}  // namespace

Result<DeliveryPtr> Rules::find_delivery(LiveSpace& live, const Id& delivery) const {
  if (auto open = still_open(live); !open) return tl::unexpected(open.error());
  const auto found = live.open.find(delivery);
  if (found == live.open.end() || found->second->lone) return no_such_delivery();
  return found->second;
}

Result<wire::DeliveryState> Rules::committed_state(const LiveSpace& live, const Id& delivery) {
  auto state = catalog.space(live.row.guid);
  if (!state) return tl::unexpected(state.error());
  if (*state == nullptr) return no_such_delivery();
  const auto& rows = (*state)->deliveries;
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const DeliveryRow& one) { return one.delivery == delivery && one.committed; });
  if (row == rows.end()) return no_such_delivery();
  wire::DeliveryState out;
  out.delivery = delivery;
  out.committed = true;
  for (const FileRow& file : (*state)->files)
    if (file.delivery == delivery) out.files.push_back(received(file));
  return out;
}

Result<DeliveryPtr> Rules::find_yielding_delivery(LiveSpace& live, const std::string& peer) {
  std::size_t open = 0, of_peer = 0;
  for (const auto& [id, delivery] : live.open) {
    if (delivery->lone) continue;
    ++open;
    of_peer += delivery->peer == peer ? 1 : 0;
  }
  const bool own = of_peer >= most_open_of_peer;
  if (!own && open < most_open) return DeliveryPtr();
  std::unordered_set<Id, IdHash> in_use;  // with uploads that run or have acknowledged bytes
  for (const auto& [id, upload] : live.uploads)
    if (upload->held || upload->row.offset > 0) in_use.insert(upload->row.delivery);
  const Steady now = clock.steady();
  DeliveryPtr yielding;
  const auto before = [](const LiveDelivery& a, const LiveDelivery& b) {
    return std::pair(!a.pack.files.empty(), a.last_used) < std::pair(!b.pack.files.empty(), b.last_used);
  };
  for (const auto& [id, delivery] : live.open) {
    const LiveDelivery& one = *delivery;
    const auto idle = now - one.last_used;
    if (one.lone || one.committing || !one.stored.empty() || one.pack.writing > 0 || in_use.contains(id)) continue;
    if (own ? one.peer != peer : idle < idle_after) continue;
    if (!one.pack.files.empty() && idle < forsaken_after) continue;
    if (yielding == nullptr || before(one, *yielding)) yielding = delivery;
  }
  if (yielding == nullptr) return fail(Kind::too_many, "this space has too many unfinished deliveries");
  yielding->committing = true;
  for (const auto& [id, upload] : live.uploads)
    if (upload->row.delivery == yielding->row.delivery) upload->held = true;
  return yielding;
}

Result<DeliveryRow> Spaces::open_delivery(const Guid& guid, const wire::CreateDelivery& wish, const Sender& sender) {
  if (auto fits = wire::check_message(wish.message); !fits) return tl::unexpected(fits.error());
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::shared_lock gate((*live)->gate);
  auto delivery = std::make_shared<LiveDelivery>();
  delivery->row.delivery = Id::random();
  delivery->row.guid = guid;
  delivery->row.message = wish.message;
  delivery->row.created = impl_->clock.wall();
  delivery->peer = peer_key(sender.peer);
  delivery->last_used = impl_->clock.steady();
  DeliveryPtr yielding;
  {
    const std::lock_guard lock((*live)->mutex);
    if (auto open = impl_->still_open(**live); !open) return tl::unexpected(open.error());
    if ((*live)->row.phase == Phase::closed)
      return fail(Kind::denied, "the receiver has finished: this link takes no more files");
    auto found = impl_->find_yielding_delivery(**live, delivery->peer);
    if (!found) return tl::unexpected(found.error());
    yielding = std::move(*found);
    (*live)->open.emplace(delivery->row.delivery, delivery);
  }
  // Should its rows stay, it is forgotten by the next start or sweep: nothing is added to it any more.
  if (yielding) (void)impl_->drop_delivery(**live, yielding, Durability::lazy);
  auto changed = impl_->catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.put_delivery(delivery->row);
    return {};
  });
  if (changed) {
    impl_->touch(**live);
    return delivery->row;
  }
  const std::lock_guard lock((*live)->mutex);
  (*live)->open.erase(delivery->row.delivery);
  return tl::unexpected(changed.error());
}

Result<wire::DeliveryState> Spaces::delivery(const Guid& guid, const Id& delivery) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  {
    const std::lock_guard lock((*live)->mutex);
    auto found = impl_->find_delivery(**live, delivery);
    if (found) return state_of(**found);
    if (found.error().kind != Kind::not_found) return tl::unexpected(found.error());
  }
  return impl_->committed_state(**live, delivery);
}

// The place of a new file in its delivery's pack, taken of the quotas; or the same file, which is there already.
Result<Rules::SmallPlace> Rules::place_small(LiveSpace& live, FileRow& file) {
  const std::lock_guard lock(live.mutex);
  auto found = find_delivery(live, file.delivery);
  if (!found) return tl::unexpected(found.error());
  SmallPlace place{std::move(*found), nullptr, weight_of(file.name)};
  if (place.delivery->committing) return fail(Kind::conflict, "this delivery is being committed");
  place.delivery->last_used = clock.steady();
  Pack& pack = place.delivery->pack;
  if (const auto former = pack.files.find(file.name); former != pack.files.end()) {
    place.weight = {};
    if (former->second.size == file.size && former->second.xxh128 == file.xxh128) {  // its answer was lost
      file = former->second;
      return place;
    }
  }
  if (auto taken = take(live, file.size, place.weight); !taken) return tl::unexpected(taken.error());
  auto staged = pack.made ? packs.open(file.delivery) : packs.make(file.delivery);
  if (!staged) {
    give_back(live, file.size, place.weight);
    return tl::unexpected(staged.error());
  }
  pack.made = true;
  place.staged = std::move(*staged);
  file.blob_offset = pack.end;
  pack.end += file.size;
  pack.durable = false;  // a commit that failed had come so far
  ++pack.writing;
  return place;
}

Result<FileRow> Spaces::put_small(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes) {
  if (bytes.size() > most_small_bytes)
    return fail(Kind::too_large, "too large for this way of sending: begin an upload instead");
  if (auto checked = wire::check_name(name); !checked) return tl::unexpected(checked.error());
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::shared_lock gate((*live)->gate);
  if ((*live)->row.seal == Seal::require && !is_sealed(bytes)) return sealed_only();

  FileRow file;
  file.file = Id::random();
  file.delivery = file.blob = delivery;
  file.guid = guid;
  file.name = name;
  file.size = bytes.size();
  Xxh128 sum;
  sum.update(bytes);
  file.xxh128 = sum.sum();
  const Sniffed sniffed = sniff(bytes, true);
  file.type = sniffed.type;
  file.sealed = sniffed.sealed;
  const auto place = impl_->place_small(**live, file);
  if (!place) return tl::unexpected(place.error());
  if (place->staged == nullptr) return file;
  const auto written = place->staged->write_at(file.blob_offset, bytes);

  std::optional<FileRow> replaced;
  {
    const std::lock_guard lock((*live)->mutex);
    LiveDelivery& open = *place->delivery;
    Pack& pack = open.pack;
    if (--pack.writing == 0) pack.written.notify_all();
    if (!written) {
      impl_->give_back(**live, 0, place->weight);  // its bytes may be in the pack, until that is moved together
      return tl::unexpected(written.error());
    }
    const auto [former, is_new] = pack.files.try_emplace(file.name, file);
    if (!is_new) {
      impl_->give_back(**live, 0, place->weight);
      former->second = file;
    }
    for (const FileRow& stored : open.stored)
      if (stored.name == name) replaced = stored;
  }
  if (replaced) impl_->drop_replaced(**live, *replaced);
  return file;
}

void Rules::drop_replaced(LiveSpace& live, const FileRow& file) {
  const Removing removing_these(*this, {file.blob});
  auto changed = catalog.change(durable(), [&](Transaction& transaction) -> Result<void> {
    transaction.remove_file(file.file);
    return {};
  });
  if (!changed) return;  // then the delivery has both
  {
    const std::lock_guard lock(live.mutex);
    const auto open = live.open.find(file.delivery);
    if (open == live.open.end()) return;
    auto& stored = open->second->stored;
    const auto same = [&](const FileRow& one) { return one.file == file.file; };
    const auto at = std::find_if(stored.begin(), stored.end(), same);
    if (at == stored.end()) return;
    stored.erase(at);
    give_back(live, file.size, weight_of(file.name));
  }
  (void)blobs.remove(file.blob);  // what stays is found as an orphan
}

void Rules::drop_pack(LiveSpace& live, LiveDelivery& delivery) {
  bool removed = false;
  {
    const std::lock_guard lock(live.mutex);
    Pack& pack = delivery.pack;
    for (const auto& [name, file] : pack.files) give_back(live, 0, weight_of(name));
    give_back(live, pack.end, {});
    pack.files.clear();
    pack.end = 0;
    pack.durable = pack.published = false;
    removed = std::exchange(pack.made, false);
  }
  if (!removed) return;
  packs.forget(delivery.row.delivery);
  (void)blobs.remove(delivery.row.delivery);
}

Result<void> Spaces::set_message(const Guid& guid, const Id& delivery, const std::string& message) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::lock_guard lock((*live)->mutex);
  auto open = impl_->find_delivery(**live, delivery);
  if (!open) return tl::unexpected(open.error());
  (*open)->row.message = message;
  return {};
}

// Uploads that never got a byte: their creation was asked for twice, or their sender has what matters complete. They do
// not keep the delivery open; the caller holds them. Kind::conflict for any other. The mutex of the space is held.
Result<std::vector<UploadPtr>> Rules::hold_leftovers(LiveSpace& live, const LiveDelivery& delivery, bool all_there) {
  std::vector<UploadPtr> leftovers;
  for (const auto& [id, upload] : live.uploads) {
    const UploadRow& row = upload->row;
    if (row.delivery != delivery.row.delivery || row.partial || row.damaged) continue;
    const auto same_name = [&](const FileRow& file) { return file.name == row.name; };
    const bool twice = delivery.pack.files.contains(row.name) ||
                       std::any_of(delivery.stored.begin(), delivery.stored.end(), same_name);
    if (upload->held || !live.empty.contains(upload->number) || (!twice && !all_there))
      return fail(Kind::conflict, "an upload of this delivery is not complete");
    leftovers.push_back(upload);
  }
  for (const UploadPtr& upload : leftovers) upload->held = true;
  return leftovers;
}

// The delivery that is to be committed, nobody writing into it; null when it is not open (any more).
Result<DeliveryPtr> Rules::begin_commit(LiveSpace& live, const Id& delivery, std::unique_lock<std::mutex>& lock) {
  for (;;) {
    auto found = find_delivery(live, delivery);
    if (!found && found.error().kind == Kind::not_found) return DeliveryPtr();
    if (!found) return found;
    const DeliveryPtr open = std::move(*found);
    if (!open->committing) {
      open->committing = true;
      open->pack.written.wait(lock, [&] { return open->pack.writing == 0; });
      return open;
    }
    open->pack.written.wait(lock);  // the same request again, while the first one runs
  }
}

Result<wire::DeliveryState> Spaces::commit(const Guid& guid, const Id& delivery, const wire::CommitDelivery& wish) {
  auto entered = impl_->enter(guid);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::shared_lock gate(live.gate);
  std::unique_lock lock(live.mutex);
  auto begun = impl_->begin_commit(live, delivery, lock);
  if (!begun) return tl::unexpected(begun.error());
  if (*begun == nullptr) {
    lock.unlock();
    return impl_->committed_state(live, delivery);
  }
  LiveDelivery& open = **begun;
  wire::DeliveryState state = state_of(open);
  auto leftovers = impl_->hold_leftovers(live, open, wish.files && *wish.files == state.files.size());
  lock.unlock();
  const auto refused = [&](const Error& error) {
    const std::lock_guard again(live.mutex);
    open.committing = false;
    open.last_used = impl_->clock.steady();
    open.pack.written.notify_all();
    if (leftovers)
      for (const UploadPtr& upload : *leftovers) {
        upload->held = false;
        upload->released.notify_all();
      }
    return tl::unexpected(error);
  };
  if (!leftovers) return refused(leftovers.error());
  if (state.files.empty() || (wish.files && *wish.files != state.files.size()))
    return refused(Error{Kind::conflict,
                         "this delivery has " + std::to_string(state.files.size()) +
                             " complete files: send again what is missing, then commit",
                         {}});
  if (auto kept = impl_->keep_pack(live, open); !kept) return refused(kept.error());
  if (auto done = impl_->write_commit(live, *begun, *leftovers); !done) return refused(done.error());
  impl_->announce(live);
  state.committed = true;
  return state;
}

Result<void> Rules::write_commit(LiveSpace& live, const DeliveryPtr& delivery,
                                 const std::vector<UploadPtr>& leftovers) {
  std::vector<FileRow> small;
  for (const auto& [name, file] : delivery->pack.files) small.push_back(file);  // nobody writes into it now
  // In the order of their arrival, which is that of their bytes.
  std::sort(small.begin(), small.end(),
            [](const FileRow& a, const FileRow& b) { return a.blob_offset < b.blob_offset; });
  std::vector<Id> keys;
  for (const UploadPtr& upload : leftovers) keys.push_back(upload->row.blob);
  const Removing removing_these(*this, keys);
  DeliveryRow row = delivery->row;
  row.committed = clock.wall();
  auto changed = catalog.change(durable(), [&](Transaction& transaction) -> Result<void> {
    for (const FileRow& file : small) transaction.put_file(file);
    for (const UploadPtr& upload : leftovers) transaction.remove_upload(upload->row.upload);
    transaction.put_delivery(row);
    bump(live, transaction);
    return {};
  });
  if (!changed) return changed;
  {
    const std::lock_guard lock(live.mutex);
    for (const UploadPtr& upload : leftovers) {
      upload->removed = true;
      upload->growing->growth = Content::Growth::ended;
      release(live, *upload);
      live.uploads.erase(upload->row.upload);
      upload->released.notify_all();
    }
    live.open.erase(row.delivery);
    delivery->pack.written.notify_all();
  }
  packs.forget(row.delivery);
  for (const Id& key : keys) (void)blobs.remove(key);  // what stays is found as an orphan
  return {};
}

Result<void> Rules::compact_pack(LiveSpace& live, LiveDelivery& delivery, Staged& staged) {
  std::vector<FileRow> files;
  for (const auto& [name, file] : delivery.pack.files) files.push_back(file);
  std::sort(files.begin(), files.end(),
            [](const FileRow& a, const FileRow& b) { return a.blob_offset < b.blob_offset; });
  std::uint64_t end = 0;
  for (const FileRow& file : files) end += file.size;
  if (end == delivery.pack.end) return {};
  auto blob = blobs.open(delivery.row.delivery);
  if (!blob) return tl::unexpected(blob.error());
  std::uint64_t to = 0;
  for (FileRow& file : files) {
    std::uint64_t at = to;  // never behind what is read
    const auto move = [&](ByteView bytes) {
      auto written = staged.write_at(at, bytes);
      at += bytes.size();
      return written;
    };
    if (file.blob_offset != to)
      if (auto moved = read_through(*this, **blob, file.blob_offset, file.size, move, {}); !moved) return moved;
    file.blob_offset = to;
    to += file.size;
  }
  if (auto cut = staged.truncate(end); !cut) return cut;
  const std::lock_guard lock(live.mutex);
  for (const FileRow& file : files) delivery.pack.files[file.name] = file;
  give_back(live, delivery.pack.end - end, {});
  delivery.pack.end = end;
  return {};
}

Result<void> Rules::keep_pack(LiveSpace& live, LiveDelivery& delivery) {
  Pack& pack = delivery.pack;  // ours alone while we commit
  if (!pack.made) return {};
  if (pack.files.empty()) {
    drop_pack(live, delivery);
    return {};
  }
  if (!pack.durable) {
    auto staged = packs.open(delivery.row.delivery);
    if (!staged) return tl::unexpected(staged.error());
    auto kept = compact_pack(live, delivery, **staged);
    if (kept) kept = (*staged)->make_bytes_durable();
    if (!kept) {
      drop_pack(live, delivery);  // half moved, or not durable: its sender must send it again
      return kept;
    }
    pack.durable = true;
  }
  if (!pack.published) {
    if (auto published = blobs.publish({delivery.row.delivery}); !published) {
      // When it had moved already, nobody knows whether the move is durable: the sender must send them again.
      if (auto still_staged = blobs.reopen(delivery.row.delivery); !still_staged) drop_pack(live, delivery);
      return published;
    }
    pack.published = true;
  }
  return {};
}

Result<void> Rules::drop_delivery(LiveSpace& live, const DeliveryPtr& delivery, Durability how) {
  const Id id = delivery->row.delivery;
  std::vector<Id> keys{id};
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [key, upload] : live.uploads)
      if (upload->row.delivery == id) keys.push_back(upload->row.blob);
    for (const FileRow& file : delivery->stored) keys.push_back(file.blob);
  }
  const Removing removing_these(*this, std::move(keys));
  auto changed = catalog.change(how, [&](Transaction& transaction) -> Result<void> {
    transaction.remove_delivery(id);
    return {};
  });
  if (!changed) return changed;
  std::vector<UploadPtr> uploads;
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [key, upload] : live.uploads)
      if (upload->row.delivery == id) uploads.push_back(upload);
    for (const UploadPtr& upload : uploads) {
      upload->removed = true;
      upload->stop = StopReason::removed;
      release(live, *upload);
      live.uploads.erase(upload->row.upload);
      upload->released.notify_all();
    }
    for (const FileRow& file : delivery->stored) give_back(live, file.size, weight_of(file.name));
    live.open.erase(id);
    delivery->pack.written.notify_all();
  }
  drop_pack(live, *delivery);
  for (const UploadPtr& upload : uploads) {
    upload->growing->growth = Content::Growth::ended;
    (void)blobs.remove(upload->row.blob);
    events.upload_grew(upload->row.upload);
  }
  for (const FileRow& file : delivery->stored) (void)blobs.remove(file.blob);
  touch(live);
  return {};
}

Result<void> Rules::end_delivery(LiveSpace& live, const Id& delivery, bool by_owner) {
  const std::unique_lock gate(live.gate);
  DeliveryPtr open;
  {
    const std::lock_guard lock(live.mutex);
    if (auto still = still_open(live); !still) return still;
    const auto found = live.open.find(delivery);
    // Its sender ends a lone one by its upload.
    if (found != live.open.end() && (by_owner || !found->second->lone)) open = found->second;
  }
  if (open) return drop_delivery(live, open, durable());
  if (auto state = committed_state(live, delivery); !state) return tl::unexpected(state.error());
  return fail(Kind::conflict, "this delivery is committed");
}

Result<void> Spaces::cancel(const Guid& guid, const Id& delivery) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  return impl_->end_delivery(**live, delivery, false);
}

Result<void> Spaces::end_delivery(const Guid& guid, std::string_view token, const Id& delivery) {
  auto live = impl_->enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  return impl_->end_delivery(**live, delivery, true);
}

}  // namespace qrx::space
