#include "space/completing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "space/content_type.h"

namespace qrx::space {

Result<void> Completion::sum_up_to(LiveUpload& upload, std::uint64_t end, const std::stop_token& stop) {
  std::uint64_t from = upload.summed.load(std::memory_order_relaxed);
  if (from == end) return {};
  upload.summed = Growing::unknown;
  if (from > end) {  // or unknown
    upload.sum.reset();
    from = 0;
  }
  if (end > from) {
    auto blob = context_.blobs.open(upload.row.blob);
    if (!blob) return tl::unexpected(blob.error());
    const auto add = [&](ByteView bytes) -> Result<void> {
      upload.sum.update(bytes);
      return {};
    };
    auto read = read_through(context_, **blob, from, end - from, add, stop);
    if (!read) return read;
  }
  upload.summed = end;
  return {};
}

void Completion::mark_corrupt(LiveSpace& live, LiveUpload& upload) {
  UploadRow row;
  {
    const SpaceLock lock(live);
    row = upload.row;
  }
  row.damaged = true;
  bool ours = true;
  // Should this row not reach the disk, the next start finds out by itself.
  (void)context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    ours = transaction.change_upload(row);  // not one that was removed
    return {};
  });
  if (!ours && context_.policy.shared) return;  // another node goes on with it, in bytes of its own
  {
    const SpaceLock lock(live);
    upload.row.damaged = true;
  }
  upload.growing->growth = Content::Growth::ended;
  context_.events.upload_grew(upload.row.upload);
  versions_.changed(live);
}

Result<FileRow> Completion::describe(const SharedGate& gate, LiveSpace& live, const UploadLock& held) {
  LiveUpload& upload = *held.upload();
  const UploadRow& row = upload.row;
  FileRow file;
  file.file = row.upload;
  file.delivery = row.delivery;
  file.guid = row.guid;
  file.name = row.name;
  file.size = row.length.value_or(0);
  file.xxh128 = upload.sum.sum();
  file.blob = row.blob;
  // It was read when the upload was begun; one that cannot be read says nothing.
  if (const auto metadata = wire::parse_upload_metadata(row.metadata)) file.properties = wire::properties_in(*metadata);
  auto blob = context_.blobs.open(row.blob);
  if (!blob) return tl::unexpected(blob.error());
  std::byte beginning[sniffed_bytes];
  auto read = (*blob)->read_at(0, beginning);
  if (!read) return tl::unexpected(read.error());
  const ByteView known{beginning, std::min<std::size_t>(*read, file.size)};
  const Sniffed sniffed = sniff(known, file.size <= sniffed_bytes);
  file.type = sniffed.type;
  file.sealed = sniffed.sealed;
  // Its first bytes were checked as they came, but one that is cut short, or made of parts, shows only now.
  if (live.row.seal == Seal::require && !is_sealed(known)) {
    // No request can complete it any more.
    (void)uploads_.drop(SoleUse(gate, held), live, held.upload(), context_.durability());
    return sealed_only();
  }
  return file;
}

Result<void> Completion::publish(LiveSpace& live, LiveUpload& upload) {
  if (upload.published || context_.blobs.in_objects()) return {};
  if (auto published = context_.blobs.publish({upload.row.blob}); !published) {
    // When it had moved already, nobody knows whether the move is durable.
    if (auto still_staged = context_.blobs.reopen(upload.row.blob); !still_staged) mark_corrupt(live, upload);
    return published;
  }
  upload.published = true;
  return {};
}

Result<Completion::Recorded> Completion::record(LiveSpace& live, LiveUpload& upload, const FileRow& file,
                                                DeliveryRow delivery, const std::vector<UploadPtr>& parts) {
  const UploadRow& row = upload.row;
  if (row.implicit) delivery.committed = context_.clock.wall();
  Recorded recorded;
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    const auto durable = transaction.finish_upload(row);
    if (!durable) return fail(Kind::conflict, "someone else is continuing this upload");
    recorded = {};
    if (context_.policy.shared && !row.implicit) {
      const auto open = transaction.open_delivery(row.delivery);
      if (!open) return no_such_delivery();
      for (const FileRow& other : open->files)
        if (other.name == file.name) recorded.trash = transaction.remove_file(other.file);
    }
    if (context_.policy.shared)
      for (const UploadPtr& part : parts)  // another node may have made a file of them meanwhile
        if (!transaction.upload(part->row.upload)) return fail(Kind::conflict, "a part is gone");
    for (const UploadPtr& part : parts)
      for (const BlobKey& blob : transaction.remove_upload(part->row.upload)) recorded.trash.push_back(blob);
    transaction.put_file(file);
    transaction.put_extents(row.blob, upload.unnamed);
    if (row.implicit && !transaction.commit_delivery(delivery)) return no_such_delivery();
    SpaceChange change;
    change.more.bytes = file.size - std::min(file.size, *durable);
    if (*durable == 0) change.more.weight = weight_of(row);
    change.even_if_full = upload.found_whole;
    return versions_.advance(live, transaction, recorded.head, change);
  });
  if (!changed) return tl::unexpected(changed.error());
  return recorded;
}

void Completion::move_in_memory(LiveSpace& live, LiveUpload& upload, const FileRow& file,
                                const std::vector<UploadPtr>& parts) {
  const UploadRow& row = upload.row;
  const SpaceLock lock(live);
  live.uploads.erase(row.upload);
  const auto found = live.open.find(row.delivery);
  const bool is_known = found != live.open.end();  // of many nodes: it may have been compared with the catalog since
  if (is_known && row.implicit) live.open.erase(found);
  if (is_known && !row.implicit) {
    LiveDelivery& open = *found->second;
    const auto same = [&](const FileRow& one) { return one.file == file.file; };
    if (std::none_of(open.stored.begin(), open.stored.end(), same)) {
      open.stored.push_back(file);
      open.memory.add(file.name.size());
    }
    open.last_used = context_.clock.steady();
    if (const auto small = open.pack.files.find(file.name); small != open.pack.files.end()) {
      quotas_.give_back(lock, live, 0, weight_of(small->first));
      open.memory.give_back(small->first.size());
      open.pack.files.erase(small);
    }
  }
  for (const UploadPtr& part : parts) {
    part->removed = true;
    part->growing->growth = Content::Growth::ended;
    quotas_.release(lock, live, *part);
    live.uploads.erase(part->row.upload);
  }
  // After a crash its blob may be complete though less was counted.
  quotas_.add(lock, live, file.size - std::min(file.size, upload.counted), upload.weighs ? Weight{} : weight_of(row));
  quotas_.withdraw(lock, live, upload);
  live.empty.erase(upload.number);
}

Result<FileRow> Completion::complete(const SharedGate& gate, LiveSpace& live, const UploadLock& held,
                                     const std::vector<UploadPtr>& parts, const std::stop_token& stop) {
  LiveUpload& upload = *held.upload();
  const UploadRow& row = upload.row;
  if (auto summed = sum_up_to(upload, row.length.value_or(0), stop); !summed) {
    if (summed.error().kind == Kind::integrity) mark_corrupt(live, upload);
    return tl::unexpected(summed.error());
  }
  auto file = describe(gate, live, held);
  if (!file) return file;
  if (auto published = publish(live, upload); !published) return tl::unexpected(published.error());
  std::optional<FileRow> replaced;
  DeliveryRow delivery;
  {
    const SpaceLock lock(live);
    const auto found = live.open.find(row.delivery);
    if (found == live.open.end()) return no_such_delivery();
    delivery = found->second->row;
    for (const FileRow& other : found->second->stored)
      if (other.name == file->name) replaced = other;
  }
  auto recorded = record(live, upload, *file, std::move(delivery), parts);
  if (!recorded) return tl::unexpected(recorded.error());
  upload.unnamed.clear();
  const UploadPtr kept = held.upload();  // it leaves the space's memory
  move_in_memory(live, upload, *file, parts);
  if (replaced && !context_.policy.shared) files_.drop_replaced(gate, live, *replaced);
  upload.growing->arrived = file->size;
  upload.growing->growth = Content::Growth::complete;
  context_.events.upload_grew(row.upload);
  versions_.publish(live, recorded->head);
  trash_.remove(recorded->trash);
  return file;
}

}  // namespace qrx::space
