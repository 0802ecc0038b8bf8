#include "space/delivery_files.h"

#include <algorithm>
#include <utility>

namespace qrx::space {
namespace {

constexpr std::size_t most_packs_open = 256;  // a descriptor each
// Before it is an object a pack is nowhere else.
constexpr std::size_t most_packs_in_spool = 4096;
// The disk writes while the next files come: the commit has to wait for less than this.
constexpr std::uint64_t written_back_every = 4U << 20;

// The steps that end within this file. Others of them may still be on their way, which go with the commit's sync.
// REQUIRES: a disk. To a store of objects the pack goes when it is whole, for it may be moved together before.
void start_write_back(Staged& staged, const FileRow& file) {
  const std::uint64_t begun = file.blob_offset / written_back_every;
  const std::uint64_t ended = (file.blob_offset + file.size) / written_back_every;
  // A hint: what goes wrong is told by the sync.
  if (ended > begun) (void)staged.start_write_back(begun * written_back_every, (ended - begun) * written_back_every);
}

}  // namespace

DeliveryFiles::DeliveryFiles(Context& context, Registry& registry, Quotas& quotas, Trash& trash)
    : context_(context),
      registry_(registry),
      quotas_(quotas),
      trash_(trash),
      packs_(context.blobs, context.blobs.in_objects() ? most_packs_in_spool : most_packs_open) {}

// The range of the pack is taken under the lock and written without it, so that many small files are written at once.
Result<DeliveryFiles::Place> DeliveryFiles::take_place(const SpaceLock& lock, LiveSpace& live, FileRow& file) {
  auto found = registry_.open_delivery(lock, live, file.delivery);
  if (!found) return tl::unexpected(found.error());
  Place place{std::move(*found), nullptr, weight_of(file.name), file.name.size()};
  if (place.delivery->committing) return fail(Kind::conflict, "this delivery is being committed");
  place.delivery->last_used = context_.clock.steady();
  Pack& pack = place.delivery->pack;
  if (const auto former = pack.files.find(file.name); former != pack.files.end()) {
    // A replaced file is counted already; its bytes stay counted until the pack is moved together.
    place.weight = {};
    place.text = 0;
    if (former->second.size == file.size && former->second.xxh128 == file.xxh128) {  // its answer was lost
      former->second.properties = file.properties;
      file = former->second;
      return place;
    }
  }
  if (auto held = place.delivery->memory.take(place.text); !held) return tl::unexpected(held.error());
  if (auto taken = quotas_.take(lock, live, file.size, place.weight, file.delivery); !taken) {
    place.delivery->memory.give_back(place.text);
    return tl::unexpected(taken.error());
  }
  // Opening a file under the lock of the space: short, and no sync. Two threads must not both make the pack.
  auto staged = pack.made ? packs_.open(file.delivery) : packs_.make(file.delivery);
  if (!staged) {
    quotas_.give_back(lock, live, file.size, place.weight);
    place.delivery->memory.give_back(place.text);
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

Result<FileRow> DeliveryFiles::put(const SharedGate& gate, LiveSpace& live, FileRow file, ByteView bytes) {
  const auto place = [&] {
    const SpaceLock lock(live);
    return take_place(lock, live, file);
  }();
  if (!place) return tl::unexpected(place.error());
  if (place->staged == nullptr) return file;
  const auto written = place->staged->write_at(file.blob_offset, bytes);
  if (written && !context_.blobs.in_objects()) start_write_back(*place->staged, file);

  std::optional<FileRow> replaced;
  {
    const SpaceLock lock(live);
    LiveDelivery& open = *place->delivery;
    Pack& pack = open.pack;
    if (--pack.writing == 0) pack.written.notify_all();
    if (!written) {
      open.memory.give_back(place->text);
      quotas_.give_back(lock, live, 0, place->weight);  // its bytes may be in the pack, until that is moved together
      return tl::unexpected(written.error());
    }
    const auto [former, is_new] = pack.files.try_emplace(file.name, file);
    if (is_new && place->weight == Weight{}) {
      // The one that it was to replace was moved away meanwhile, and was counted for its own.
      if (auto taken = quotas_.take(lock, live, 0, weight_of(file.name), file.delivery); !taken) {
        pack.files.erase(former);
        return tl::unexpected(taken.error());
      }
      open.memory.add(file.name.size());
    }
    if (!is_new) {
      open.memory.give_back(place->text);
      quotas_.give_back(lock, live, 0, place->weight);
      former->second = file;
    }
    // A delivery has each name once: the later file wins, whichever way either came.
    for (const FileRow& stored : open.stored)
      if (stored.name == file.name) replaced = stored;
  }
  if (replaced) drop_replaced(gate, live, *replaced);
  return file;
}

void DeliveryFiles::drop_replaced(const SharedGate&, LiveSpace& live, const FileRow& file) {
  std::vector<BlobKey> blobs;
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    blobs = transaction.remove_file(file.file);
    return {};
  });
  if (!changed) return;  // then the delivery has both
  {
    const SpaceLock lock(live);
    const auto open = live.open.find(file.delivery);
    if (open == live.open.end()) return;
    auto& stored = open->second->stored;
    const auto same = [&](const FileRow& one) { return one.file == file.file; };
    const auto at = std::find_if(stored.begin(), stored.end(), same);
    if (at == stored.end()) return;
    stored.erase(at);
    open->second->memory.give_back(file.name.size());
    quotas_.give_back(lock, live, file.size, weight_of(file.name));
  }
  trash_.remove(blobs);
}

// The quotas count all that was written into the pack (`end`), also what was replaced in it.
void DeliveryFiles::drop_pack(LiveSpace& live, LiveDelivery& delivery) {
  bool removed = false;
  {
    const SpaceLock lock(live);
    Pack& pack = delivery.pack;
    for (const auto& [name, file] : pack.files) {
      quotas_.give_back(lock, live, 0, weight_of(name));
      delivery.memory.give_back(name.size());
    }
    quotas_.give_back(lock, live, pack.end, {});
    pack.files.clear();
    pack.end = 0;
    pack.durable = pack.published = false;
    pack.extents.clear();
    removed = std::exchange(pack.made, false);
  }
  if (!removed) return;
  packs_.forget(delivery.row.delivery);
  // Should it stay, it is an orphan of an open delivery, which a start removes.
  (void)context_.blobs.remove(delivery.row.delivery);
}

// In place, from the front: each file moves towards the beginning or stays, so what is still to be read is never
// overwritten. A crash in between costs nothing, for the files were not acknowledged.
Result<void> DeliveryFiles::compact_pack(LiveSpace& live, LiveDelivery& delivery, Staged& staged) {
  std::vector<FileRow> files;
  for (const auto& [name, file] : delivery.pack.files) files.push_back(file);
  std::sort(files.begin(), files.end(),
            [](const FileRow& a, const FileRow& b) { return a.blob_offset < b.blob_offset; });
  std::uint64_t end = 0;
  // Gaps are left by files that were replaced and by writes that failed.
  for (const FileRow& file : files) end += file.size;
  if (end == delivery.pack.end) return {};
  auto blob = context_.blobs.open(delivery.row.delivery);
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
      if (auto moved = read_through(context_, **blob, file.blob_offset, file.size, move, {}); !moved) return moved;
    file.blob_offset = to;
    to += file.size;
  }
  if (auto cut = staged.truncate(end); !cut) return cut;
  const SpaceLock lock(live);
  for (const FileRow& file : files) delivery.pack.files[file.name] = file;
  quotas_.give_back(lock, live, delivery.pack.end - end, {});
  delivery.pack.end = end;
  return {};
}

Result<void> DeliveryFiles::make_pack_durable(Pack& pack, Staged& staged) {
  auto durable = staged.make_bytes_durable();
  if (!durable) return tl::unexpected(durable.error());
  for (Extent& extent : *durable) pack.extents.push_back(std::move(extent));
  return {};
}

Result<void> DeliveryFiles::keep_pack(const SharedGate&, LiveSpace& live, LiveDelivery& delivery) {
  Pack& pack = delivery.pack;  // ours alone while we commit
  if (!pack.made) return {};
  if (pack.files.empty()) {
    drop_pack(live, delivery);
    return {};
  }
  if (!pack.durable) {
    auto staged = packs_.open(delivery.row.delivery);
    if (!staged) return tl::unexpected(staged.error());
    // Each step is done once, whatever fails later: a commit that is asked for again goes on where the last one
    // stopped.
    auto kept = compact_pack(live, delivery, **staged);
    if (kept) kept = make_pack_durable(pack, **staged);
    if (!kept) {
      drop_pack(live, delivery);  // half moved, or not durable: its sender must send it again
      return kept;
    }
    pack.durable = true;
  }
  if (!pack.published) {
    if (auto published = context_.blobs.publish({delivery.row.delivery}); !published) {
      // When it had moved already, nobody knows whether the move is durable: the sender must send them again.
      if (auto still_staged = context_.blobs.reopen(delivery.row.delivery); !still_staged) drop_pack(live, delivery);
      return published;
    }
    pack.published = true;
  }
  return {};
}

}  // namespace qrx::space
