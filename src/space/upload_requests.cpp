#include "space/upload_requests.h"

#include <algorithm>

#include "base/ip_address.h"
#include "space/begin_writing.h"
#include "space/concatenate.h"
#include "wire/limits.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

Result<void> check_wish(const NewUpload& wish) {
  if (wish.metadata.size() > wire::most_metadata_bytes)
    return fail(Kind::usage, "the metadata of the upload is too long");
  // A part never becomes a file by itself, and needs no name.
  if (wish.partial && wish.name.empty()) return {};
  return wire::check_name(wish.name);
}

// A completed upload has no row any more; HEAD of it answers as if it had one at its end.
UploadRow row_of(const FileRow& file) {
  UploadRow row;
  row.upload = file.file;
  row.delivery = file.delivery;
  row.guid = file.guid;
  row.name = file.name;
  row.length = file.size;
  row.offset = file.size;
  row.blob = file.blob;
  return row;
}

}  // namespace

Result<UploadRow> UploadRequests::create(const Guid& guid, const NewUpload& wish, const Sender& sender) {
  if (auto checked = check_wish(wish); !checked) return tl::unexpected(checked.error());
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  const SharedGate gate(**live);
  const std::string peer = peer_key(sender.peer);
  const Use use{wish.length.value_or(0), wish.partial ? Weight{0, 0, 1, wish.name.size()} : weight_of(wish.name)};
  auto upload = deliveries_.with_room(gate, **live, wish.delivery.value_or(Id()), use, [&] {
    return parts_.uploads.begin(gate, **live, {wish, peer});
  });
  if (!upload) return tl::unexpected(upload.error());
  UploadRow row;
  {
    const SpaceLock lock(**live);
    row = (*upload)->row;
  }
  if (!parts_.context.policy.shared) parts_.versions.changed(**live);
  return row.length == 0U && !row.partial ? complete_empty(gate, **live, row) : row;
}

Result<UploadRow> UploadRequests::complete_empty(const SharedGate& gate, LiveSpace& live, const UploadRow& row) {
  auto held = parts_.uploads.lock(live, row.upload);
  // The same creation, at the same time, has completed it meanwhile.
  if (!held && held.error().kind == Kind::not_found) return parts_.uploads.completed(live, row.upload).map(row_of);
  if (!held) return tl::unexpected(held.error());
  if (auto file = parts_.completion.complete(gate, live, *held); !file) {
    if (!held->upload()->removed)  // nobody was told of it
      (void)parts_.uploads.drop(SoleUse(gate, *held), live, held->upload(), parts_.context.durability());
    return tl::unexpected(file.error());
  }
  return row;
}

Result<UploadRow> UploadRequests::row(const Guid& guid, const Id& upload) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  {
    const SpaceLock lock(**live);
    auto found = parts_.uploads.find(lock, **live, upload);
    if (found) return (*found)->row;
    if (found.error().kind != Kind::not_found) return tl::unexpected(found.error());
  }
  return parts_.uploads.completed(**live, upload).map(row_of);
}

Result<bool> UploadRequests::promise_length(LiveSpace& live, LiveUpload& upload, std::uint64_t length) {
  const SpaceLock lock(live);
  if (upload.row.length == length) return false;
  if (upload.row.length) return fail(Kind::conflict, "the length of this upload is set already");
  if (length < upload.row.offset) return fail(Kind::usage, "the length is less than what was uploaded");
  const std::uint64_t more = length - std::min(length, upload.counted);
  // All its bytes are there: it becomes a file, which counts as one even when it is empty.
  auto room = more == 0 ? parts_.quotas.reserve(lock, live, upload, 0)
                        : parts_.quotas.promise(lock, live, upload, more, upload.peer);
  if (!room) return tl::unexpected(room.error());
  upload.row.length = length;
  return true;
}

Result<void> UploadRequests::set_length(const Guid& guid, const Id& upload, std::uint64_t length) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  auto held = parts_.uploads.lock(**live, upload);
  if (!held) return tl::unexpected(held.error());
  const SharedGate gate(**live);
  LiveUpload& one = *held->upload();
  const auto promised = promise_length(**live, one, length);
  if (!promised) return tl::unexpected(promised.error());
  if (!*promised) return {};
  std::optional<SpaceHead> head;
  auto changed = parts_.context.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    if (auto there = parts_.versions.note(**live, transaction, head); !there) return there;
    if (!transaction.change_upload(one.row)) return no_such_upload();  // removed meanwhile
    return {};
  });
  if (!changed) {
    const SpaceLock lock(**live);
    if (one.removed) return changed;  // with all that was counted
    parts_.quotas.withdraw(lock, **live, one);
    one.row.length.reset();
    return changed;
  }
  one.growing->length = length;
  if (one.row.offset == length && !one.row.partial)
    if (auto file = parts_.completion.complete(gate, **live, *held); !file) return tl::unexpected(file.error());
  parts_.versions.changed(**live, head);
  return {};
}

Result<std::unique_ptr<UploadWriter>> UploadRequests::write(const Guid& guid, const Id& upload, std::uint64_t offset,
                                                            std::optional<ChunkChecksum> expected,
                                                            const Sender& sender) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return open_writer(parts_, std::move(*live), upload, offset, std::move(expected), peer_key(sender.peer));
}

// The sum is in memory only. What is there from before a restart must be read once to go on, which may take minutes:
// the route answers others meanwhile.
std::uint64_t UploadRequests::unread(const Guid& guid, const Id& upload) {
  auto live = registry_.enter(guid);
  if (!live) return 0;
  const SpaceLock lock(**live);
  const auto found = (*live)->uploads.find(upload);
  if (found == (*live)->uploads.end()) return 0;
  const LiveUpload& one = *found->second;
  const std::uint64_t summed = one.summed.load(std::memory_order_relaxed);
  return summed <= one.row.offset ? one.row.offset - summed : one.row.offset;
}

Result<void> UploadRequests::catch_up(const Guid& guid, const Id& upload, const std::stop_token& stop) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  auto held = parts_.uploads.lock(**live, upload);
  if (!held) return tl::unexpected(held.error());
  LiveUpload& one = *held->upload();
  return parts_.completion.sum_up_to(one, one.row.offset, stop);
}

Result<UploadRow> UploadRequests::concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                              const std::stop_token& stop) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return space::concatenate(parts_, **live, wish, parts, stop);
}

Result<void> UploadRequests::withdraw(const Guid& guid, const Id& upload) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  const auto ended = parts_.uploads.end(**live, upload);
  if (!ended) return tl::unexpected(ended.error());
  if (!*ended) return fail(Kind::denied, "the upload is complete: its sender cannot withdraw it");
  return {};
}

Result<void> UploadRequests::end(const Guid& guid, std::string_view token, const Id& upload) {
  auto live = registry_.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  const auto ended = parts_.uploads.end(**live, upload);
  if (!ended) return tl::unexpected(ended.error());
  if (!*ended) return fail(Kind::conflict, "this upload is complete");
  return {};
}

Result<FileRow> UploadRequests::completed(const Guid& guid, const Id& upload) {
  auto live = registry_.enter(guid);
  if (!live) return tl::unexpected(live.error());
  return parts_.uploads.completed(**live, upload);
}

}  // namespace qrx::space
