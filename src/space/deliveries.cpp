#include <algorithm>

#include "space/content_type.h"
#include "space/live.h"
#include "wire/messages.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

// Open deliveries cost memory, and a descriptor each once they have small files.
constexpr std::size_t most_open_deliveries = 64;
constexpr unsigned most_packs = 2048;

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

Result<DeliveryRow> Spaces::open_delivery(const Guid& guid, const wire::CreateDelivery& wish) {
  if (auto fits = wire::check_message(wish.message); !fits) return tl::unexpected(fits.error());
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::shared_lock gate((*live)->gate);
  auto delivery = std::make_shared<LiveDelivery>();
  delivery->row.delivery = Id::random();
  delivery->row.guid = guid;
  delivery->row.message = wish.message;
  delivery->row.created = impl_->clock.wall();
  delivery->last_used = impl_->clock.steady();
  {
    const std::lock_guard lock((*live)->mutex);
    if (auto open = impl_->still_open(**live); !open) return tl::unexpected(open.error());
    if ((*live)->row.phase == Phase::closed)
      return fail(Kind::denied, "the receiver has finished: this link takes no more files");
    const auto several = [](const auto& entry) { return !entry.second->lone; };
    const auto open = std::count_if((*live)->open.begin(), (*live)->open.end(), several);
    if (static_cast<std::size_t>(open) >= most_open_deliveries)
      return fail(Kind::too_many, "this space has too many unfinished deliveries");
    (*live)->open.emplace(delivery->row.delivery, delivery);
  }
  auto changed = impl_->catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.put_delivery(delivery->row);
    return {};
  });
  if (changed) return delivery->row;
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

Result<FileRow> Spaces::put_small(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes) {
  if (bytes.size() > most_small_bytes)
    return fail(Kind::too_large, "too large for this way of sending: begin an upload instead");
  if (auto checked = wire::check_name(name); !checked) return tl::unexpected(checked.error());
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::shared_lock gate((*live)->gate);
  if ((*live)->row.seal == Seal::require && !is_sealed(bytes)) return sealed_only();
  if (auto room = impl_->room_on_disk(bytes.size()); !room) return tl::unexpected(room.error());

  FileRow file;
  file.file = Id::random();
  file.delivery = file.blob = delivery;
  file.guid = guid;
  file.name = name;
  file.size = bytes.size();
  DeliveryPtr open;
  std::shared_ptr<Staged> staged;
  Weight counted_files = weight_of(name);
  {
    const std::lock_guard lock((*live)->mutex);
    auto found = impl_->find_delivery(**live, delivery);
    if (!found) return tl::unexpected(found.error());
    open = std::move(*found);
    if (open->committing) return fail(Kind::conflict, "this delivery is being committed");
    Pack& pack = open->pack;
    if (pack.files.contains(name)) counted_files = {};
    if (auto taken = impl_->take(**live, bytes.size(), counted_files); !taken) return tl::unexpected(taken.error());
    if (pack.staged == nullptr) {
      auto made = impl_->packs < most_packs ? impl_->blobs.create(delivery)
                                            : fail(Kind::unavailable, "too many unfinished deliveries");
      if (!made) {
        impl_->give_back(**live, bytes.size(), counted_files);
        return tl::unexpected(made.error());
      }
      pack.staged = std::move(*made);
      ++impl_->packs;
    }
    staged = pack.staged;
    file.blob_offset = pack.end;
    pack.end += bytes.size();
    pack.durable = false;  // a commit that failed had come so far
    ++pack.writing;
    open->last_used = impl_->clock.steady();
  }

  Xxh128 sum;
  sum.update(bytes);
  file.xxh128 = sum.sum();
  const Sniffed sniffed = sniff(bytes, true);
  file.type = sniffed.type;
  file.sealed = sniffed.sealed;
  const auto written = staged->write_at(file.blob_offset, bytes);

  std::optional<FileRow> replaced;
  {
    const std::lock_guard lock((*live)->mutex);
    Pack& pack = open->pack;
    if (--pack.writing == 0) pack.written.notify_all();
    if (!written) {
      impl_->give_back(**live, bytes.size(), counted_files);
      return tl::unexpected(written.error());
    }
    const auto former = pack.files.find(name);
    if (former == pack.files.end()) {
      pack.files.emplace(file.name, file);
    } else {
      impl_->give_back(**live, former->second.size, counted_files);
      former->second = file;
    }
    for (const FileRow& stored : open->stored)
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
    for (const auto& [name, file] : pack.files) give_back(live, file.size, weight_of(file.name));
    pack.files.clear();
    pack.end = 0;
    pack.durable = pack.published = false;
    removed = pack.staged != nullptr;
    pack.staged.reset();
  }
  if (!removed) return;
  --packs;
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

Result<wire::DeliveryState> Spaces::commit(const Guid& guid, const Id& delivery, const wire::CommitDelivery& wish) {
  auto entered = impl_->enter(guid);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::shared_lock gate(live.gate);
  DeliveryPtr open;
  std::vector<FileRow> small;
  wire::DeliveryState state;
  {
    std::unique_lock lock(live.mutex);
    for (;;) {
      auto found = impl_->find_delivery(live, delivery);
      if (!found && found.error().kind == Kind::not_found) {
        lock.unlock();
        return impl_->committed_state(live, delivery);
      }
      if (!found) return tl::unexpected(found.error());
      open = std::move(*found);
      if (!open->committing) break;
      open->pack.written.wait(lock);  // the same request again, while the first one runs
    }
    for (const auto& [id, upload] : live.uploads)
      if (upload->row.delivery == delivery && !upload->row.partial && !upload->row.damaged)
        return fail(Kind::conflict, "an upload of this delivery is not complete");
    open->committing = true;
    open->pack.written.wait(lock, [&] { return open->pack.writing == 0; });
    state = state_of(*open);
    for (const auto& [name, file] : open->pack.files) small.push_back(file);
  }
  const auto ended = [&] {
    const std::lock_guard lock(live.mutex);
    open->committing = false;
    open->last_used = impl_->clock.steady();
    open->pack.written.notify_all();
  };
  if (state.files.empty() || (wish.files && *wish.files != state.files.size())) {
    ended();
    return fail(Kind::conflict, "this delivery has " + std::to_string(state.files.size()) + " complete files");
  }
  // In the order of their arrival, which is that of their bytes.
  std::sort(small.begin(), small.end(),
            [](const FileRow& a, const FileRow& b) { return a.blob_offset < b.blob_offset; });
  if (auto kept = impl_->keep_pack(live, *open); !kept) {
    ended();
    return tl::unexpected(kept.error());
  }
  DeliveryRow row = open->row;
  row.committed = impl_->clock.wall();
  auto changed = impl_->catalog.change(impl_->durable(), [&](Transaction& transaction) -> Result<void> {
    for (const FileRow& file : small) transaction.put_file(file);
    transaction.put_delivery(row);
    impl_->bump(live, transaction);
    return {};
  });
  if (!changed) {
    ended();
    return tl::unexpected(changed.error());
  }
  {
    const std::lock_guard lock(live.mutex);
    live.open.erase(delivery);
    open->pack.written.notify_all();
  }
  if (open->pack.staged != nullptr) --impl_->packs;
  impl_->announce(live);
  state.committed = true;
  return state;
}

Result<void> Rules::keep_pack(LiveSpace& live, LiveDelivery& delivery) {
  Pack& pack = delivery.pack;  // ours alone while we commit
  if (pack.staged == nullptr) return {};
  if (pack.files.empty()) {
    drop_pack(live, delivery);
    return {};
  }
  if (!pack.durable) {
    if (auto durable = pack.staged->make_bytes_durable(); !durable) {
      drop_pack(live, delivery);
      return durable;
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

Result<void> Rules::drop_delivery(LiveSpace& live, const DeliveryPtr& delivery) {
  const Id id = delivery->row.delivery;
  std::vector<Id> keys{id};
  {
    const std::lock_guard lock(live.mutex);
    for (const auto& [key, upload] : live.uploads)
      if (upload->row.delivery == id) keys.push_back(upload->row.blob);
    for (const FileRow& file : delivery->stored) keys.push_back(file.blob);
  }
  const Removing removing_these(*this, std::move(keys));
  auto changed = catalog.change(durable(), [&](Transaction& transaction) -> Result<void> {
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
      give_back(live, upload->counted, upload->row.partial ? Weight{} : weight_of(upload->row.name));
      live.uploads.erase(upload->row.upload);
      upload->released.notify_all();
    }
    for (const FileRow& file : delivery->stored) give_back(live, file.size, weight_of(file.name));
    live.open.erase(id);
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

Result<void> Spaces::cancel(const Guid& guid, const Id& delivery) {
  auto live = impl_->enter(guid);
  if (!live) return tl::unexpected(live.error());
  const std::unique_lock gate((*live)->gate);
  DeliveryPtr open;
  {
    const std::lock_guard lock((*live)->mutex);
    auto found = impl_->find_delivery(**live, delivery);
    if (found)
      open = std::move(*found);
    else if (found.error().kind != Kind::not_found)
      return tl::unexpected(found.error());
  }
  if (open) return impl_->drop_delivery(**live, open);
  if (auto state = impl_->committed_state(**live, delivery); !state) return tl::unexpected(state.error());
  return fail(Kind::conflict, "this delivery is committed");
}

}  // namespace qrx::space
