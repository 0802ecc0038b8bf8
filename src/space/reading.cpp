#include "space/reading.h"

#include <string>
#include <utility>

namespace qrx::space {

Result<std::shared_ptr<Content>> open_content(Context& context, const LivePtr& space, const Id& file) {
  LiveSpace& live = *space;
  const Blocked blocked = blocked_of(space);
  std::string name;
  std::shared_ptr<const Growing> growing;
  Id blob{};  // of an upload
  {
    const SpaceLock lock(live);
    const auto upload = live.uploads.find(file);
    if (upload != live.uploads.end() && !upload->second->row.partial && !upload->second->row.damaged) {
      name = upload->second->row.name;
      growing = upload->second->growing;
      blob = upload->second->row.blob;
    }
  }
  // The blob is opened without the lock. Should the upload become a file in between, its blob has moved into the store,
  // where open() finds it too.
  if (growing != nullptr) return open_growing(context.blobs, blob, std::move(name), std::move(growing), blocked);
  auto row = context.catalog.file(file);
  if (!row) return tl::unexpected(row.error());
  // The id of a file of another space is nothing that this owner's token opens.
  if (!*row || (*row)->guid != live.row.guid) return no_such_file();
  bool open = false;
  {
    const SpaceLock lock(live);
    open = live.open.contains((*row)->delivery);
  }
  return open ? open_undelivered(context.blobs, context.catalog, **row, blocked)
              : open_stored(context.blobs, context.catalog, **row, blocked);
}

Result<std::unique_ptr<StoredFiles>> open_contents(Context& context, const LivePtr& space, const Id& delivery,
                                                   std::span<const Id> files) {
  LiveSpace& live = *space;
  {
    const SpaceLock lock(live);
    if (live.open.contains(delivery)) return fail(Kind::not_found, "no such delivery");
  }
  auto rows = context.catalog.files(files);
  if (!rows) return tl::unexpected(rows.error());
  // Ids of other spaces open nothing, as in open_content(); of another delivery they were not meant.
  std::erase_if(*rows, [&](const FileRow& row) { return row.guid != live.row.guid || row.delivery != delivery; });
  return std::make_unique<StoredFiles>(context.blobs, context.catalog, std::move(*rows), blocked_of(space));
}

Result<Sha256Sum> sha256_of(Context& context, Registry& registry, const FileRow& file, const std::stop_token& stop) {
  auto row = context.catalog.file(file.file);
  if (!row) return tl::unexpected(row.error());
  if (!*row) return no_such_file();
  if ((*row)->sha256) return *(*row)->sha256;
  auto blob = context.blobs.open((*row)->blob);
  if (!blob) return tl::unexpected(blob.error());
  Sha256 running;
  const auto add = [&](ByteView bytes) -> Result<void> {
    running.update(bytes);
    return {};
  };
  auto read = read_through(context, **blob, (*row)->blob_offset, (*row)->size, add, stop);
  if (!read) return tl::unexpected(read.error());
  const Sha256Sum sum = running.sum();
  auto live = registry.find((*row)->guid);
  if (!live || *live == nullptr) return sum;
  // Under the gate, so that the row of a file that was removed meanwhile does not come back.
  const SharedGate gate(**live);
  {
    const SpaceLock lock(**live);
    if ((*live)->row.phase == Phase::dying) return sum;
  }
  // It was read for long: the row is put back only if it is still there.
  if (auto again = context.catalog.file(file.file); !again || !*again) return sum;
  (*row)->sha256 = sum;
  (void)context.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.put_file(**row);
    return {};
  });
  return sum;
}

}  // namespace qrx::space
