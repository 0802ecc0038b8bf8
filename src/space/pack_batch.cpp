#include "space/pack_batch.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/checksum.h"
#include "space/content_type.h"
#include "wire/limits.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

// What was replaced in a pack stays in the store for as long as one file of it: no more than this for each.
constexpr std::uint64_t most_pack_bytes = 1U << 20;
constexpr std::size_t most_on_their_way = 4;  // packs of one batch, whose bytes are in the spool
// The sweep takes objects that no row names after two days.
constexpr auto longest = std::chrono::hours(24);

Use operator-(Use use, const Use& less) {
  use.bytes -= less.bytes;
  use.weight.files -= less.weight.files;
  use.weight.manifests -= less.weight.manifests;
  use.weight.parts -= less.weight.parts;
  use.weight.texts -= less.weight.texts;
  return use;
}

Use use_of(const FileRow& file) {
  return {file.size, weight_of(file.name)};
}

}  // namespace

Result<FileRow> whole_file(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                           const wire::FileProperties& properties) {
  if (bytes.size() > wire::most_small_bytes)
    return fail(Kind::too_large, "too large for this way of sending: begin an upload instead");
  if (auto checked = wire::check_name(name); !checked) return tl::unexpected(checked.error());
  FileRow file;
  file.delivery = delivery;
  file.guid = guid;
  file.name = name;
  file.size = bytes.size();
  file.properties = properties;
  Xxh128 sum;
  sum.update(bytes);
  file.xxh128 = sum.sum();
  return file;
}

PackBatch::PackBatch(const PackParts& parts, LivePtr live, const Id& delivery)
    : parts_(parts),
      live_(std::move(live)),
      delivery_(delivery),
      begun_(parts.context.clock.steady()),
      names_(live_->memory) {}

PackBatch::~PackBatch() {
  settle(SpaceLock(*live_), {});
}

void PackBatch::settle(const SpaceLock& lock, const Use& kept) {
  live_->arriving = live_->arriving - counted_;
  const Use less = std::exchange(counted_, {}) - kept;
  // Who removes a space gives back all that it has.
  if (live_->row.phase != Phase::dying) parts_.quotas.give_back(lock, *live_, less.bytes, less.weight);
}

Result<Xxh128Sum> PackBatch::add(std::string_view name, ByteView bytes, const wire::FileProperties& properties) {
  auto file = whole_file(live_->row.guid, delivery_, name, bytes, properties);
  if (!file) return tl::unexpected(file.error());
  return take(std::move(*file), bytes).map([](const FileRow& row) { return row.xxh128; });
}

Result<std::optional<FileRow>> PackBatch::count(const FileRow& file) {
  const SpaceLock lock(*live_);
  auto open = parts_.registry.open_delivery(lock, *live_, delivery_);
  if (!open) return tl::unexpected(open.error());
  LiveDelivery& delivery = **open;
  if (delivery.committing) return fail(Kind::conflict, "this delivery is being committed");
  delivery.last_used = parts_.context.clock.steady();
  for (const FileRow& stored : delivery.stored)  // its answer may have been lost
    if (stored.name == file.name && stored.size == file.size && stored.xxh128 == file.xxh128 &&
        stored.properties == file.properties)
      return std::optional(stored);
  if (auto held = names_.take(file.name.size()); !held) return tl::unexpected(held.error());
  const Use use = use_of(file);
  if (auto taken = parts_.quotas.take(lock, *live_, use.bytes, use.weight, delivery_); !taken) {
    // What others have on their way may come to nothing: an attempt that was cut off, of which this is the next one.
    if (taken.error().kind == Kind::too_large && live_->arriving != counted_)
      return fail(Kind::no_room_now, "there is no room beside what is on its way; try again in a minute");
    return tl::unexpected(taken.error());
  }
  counted_ += use;
  live_->arriving += use;
  return std::optional<FileRow>();
}

Result<FileRow> PackBatch::take(FileRow file, ByteView bytes) {
  // Without the lock: it never changes.
  if (live_->row.seal == Seal::require && !is_sealed(bytes)) return sealed_only();
  auto same = count(file);
  if (!same) return tl::unexpected(same.error());
  // A delivery has each name once: the later file wins.
  std::erase_if(files_, [&](const FileRow& former) { return former.name == file.name; });
  if (*same) return std::move(**same);
  file.file = Id::random();
  const Sniffed sniffed = sniff(bytes, true);
  file.type = sniffed.type;
  file.sealed = sniffed.sealed;
  if (auto written = append(file, bytes); !written) return tl::unexpected(written.error());
  files_.push_back(file);
  return file;
}

Result<void> PackBatch::append(FileRow& file, ByteView bytes) {
  if (packs_.empty() || packs_.back().end >= most_pack_bytes) {
    if (!packs_.empty()) (void)packs_.back().staged->begin_durable();
    Pack pack;
    pack.blob = Id::random();
    auto made = parts_.context.blobs.create(pack.blob);
    if (!made) return tl::unexpected(made.error());
    pack.staged = std::move(*made);
    packs_.push_back(std::move(pack));
  }
  Pack& pack = packs_.back();
  file.blob = pack.blob;
  file.blob_offset = pack.end;
  if (bytes.empty()) return {};
  if (auto written = pack.staged->write_at(pack.end, bytes); !written) return written;
  pack.end += bytes.size();
  return {};
}

std::optional<Id> PackBatch::full() {
  std::optional<Id> first;
  std::size_t on_their_way = 0;
  for (std::size_t i = 0; i + 1 < packs_.size(); ++i) {
    const auto topic = packs_[i].staged->begin_durable();
    if (!topic) continue;
    ++on_their_way;
    if (!first) first = topic;
  }
  return on_their_way >= most_on_their_way ? first : std::nullopt;
}

std::optional<Id> PackBatch::begin_finish() {
  std::optional<Id> first;
  for (const Pack& pack : packs_) {
    const auto topic = pack.staged->begin_durable();
    if (topic && !first) first = topic;
  }
  return first;
}

Result<void> PackBatch::make_durable() {
  (void)begin_finish();  // all at once
  for (Pack& pack : packs_) {
    auto extents = pack.staged->make_durable();
    if (!extents) return tl::unexpected(extents.error());
    for (Extent& extent : *extents) pack.extents.push_back(std::move(extent));
  }
  return {};
}

Result<DeliveryPtr> PackBatch::begin_record() {
  const SpaceLock lock(*live_);
  auto open = parts_.registry.open_delivery(lock, *live_, delivery_);
  if (!open) return open;
  if ((*open)->committing) return fail(Kind::conflict, "this delivery is being committed");
  ++(*open)->pack.writing;
  return open;
}

void PackBatch::end_record(LiveDelivery& delivery) {
  const SpaceLock lock(*live_);
  if (--delivery.pack.writing == 0) delivery.pack.written.notify_all();
}

Result<void> PackBatch::finish() {
  if (files_.empty()) return {};
  if (parts_.context.clock.steady() - begun_ > longest)
    return fail(Kind::unavailable, "this took too long: send these files again");
  if (auto durable = make_durable(); !durable) return durable;
  const SharedGate gate(*live_);
  auto open = begin_record();
  if (!open) return tl::unexpected(open.error());
  try {
    auto recorded = record();
    end_record(**open);
    return recorded;
  } catch (...) {
    end_record(**open);
    throw;
  }
}

// One transaction for all of them, so that the space is locked once, however many there are.
Result<void> PackBatch::record() {
  SpaceChange change;
  std::unordered_map<std::string_view, const FileRow*> by_name;
  for (const FileRow& file : files_) {
    change.more += use_of(file);
    by_name.emplace(file.name, &file);
  }
  std::optional<SpaceHead> head;
  std::vector<BlobKey> trash;
  auto changed =
      parts_.context.catalog.change(parts_.context.durability(), [&](Transaction& transaction) -> Result<void> {
        trash.clear();  // it may run again
        const auto open = transaction.open_delivery(delivery_);
        if (!open) return no_such_delivery();
        for (const FileRow& former : open->files)
          if (by_name.contains(former.name))
            for (const BlobKey& blob : transaction.remove_file(former.file)) trash.push_back(blob);
        transaction.put_files(files_);
        for (const Pack& pack : packs_) {
          transaction.put_extents(pack.blob, pack.extents);
          // All of it may have been replaced by what came later.
          if (std::none_of(files_.begin(), files_.end(), [&](const FileRow& one) { return one.blob == pack.blob; }))
            transaction.discard(pack.blob);
        }
        return parts_.versions.advance(*live_, transaction, head, change);
      });
  if (!changed) return changed;
  {
    const SpaceLock lock(*live_);
    settle(lock, change.more);
    // Of a delivery that is gone from memory the next request reads the rows.
    if (const auto open = live_->open.find(delivery_); open != live_->open.end()) {
      LiveDelivery& delivery = *open->second;
      std::erase_if(delivery.stored, [&](const FileRow& former) { return by_name.contains(former.name); });
      for (const FileRow& file : files_) delivery.memory.add(file.name.size());
      delivery.stored.insert(delivery.stored.end(), files_.begin(), files_.end());
      delivery.last_used = parts_.context.clock.steady();
    }
  }
  parts_.versions.publish(*live_, head);
  parts_.trash.remove(trash);
  return {};
}

}  // namespace qrx::space
