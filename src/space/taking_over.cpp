#include "space/taking_over.h"

#include <memory>
#include <string>
#include <utility>

namespace qrx::space {

// Of many nodes: as the row stands now. Whoever had the upload and did not let go may be at it still, so this writer
// goes on in a blob of its own, the spare.
Result<bool> take_over(const Context& context, Transaction& transaction, UploadRow& row) {
  const auto now = transaction.upload(row.upload);
  if (!now) return no_such_upload();
  if (now->offset != row.offset) return fail(Kind::conflict, "the upload is at byte " + std::to_string(now->offset));
  // A writer before this one took over too, and recorded nothing: its copy is of no use.
  if (now->spare != BlobKey()) transaction.discard(now->spare);
  // In objects a writer's bytes bear its own name: whoever was there before writes nothing that we have.
  const bool alone =
      context.blobs.in_objects() || now->holder == Id() || (now->holder == context.node && now->spare == BlobKey());
  row.blob = now->blob;
  row.spare = alone ? BlobKey() : Id::random();
  row.holder = context.node;
  // The first epoch is that of its creation, which writes nothing.
  return now->epoch > 1 && now->holder != Id() && now->holder != context.node;
}

// Copied, not renamed: the former writer may still have the blob open and write behind its offset.
Result<void> copy_to_spare(Context& context, LiveSpace& live, LiveUpload& upload) {
  const UploadRow row = upload.row;
  std::unique_ptr<Opened> from;
  // Of which nothing is durable may have no blob: its node died between the row and that.
  if (row.offset > 0) {
    auto opened = context.blobs.open(row.blob);
    if (!opened) return tl::unexpected(opened.error());
    from = std::move(*opened);
  }
  auto to = context.blobs.create(row.spare);
  if (!to) return tl::unexpected(to.error());
  std::uint64_t at = 0;
  const auto copy = [&](ByteView bytes) {
    auto written = (*to)->write_at(at, bytes);
    at += bytes.size();
    return written;
  };
  if (from != nullptr)
    if (auto copied = read_through(context, *from, 0, row.offset, copy, {}); !copied) return copied;
  const SpaceLock lock(live);
  // In memory only. The row names the spare from the first durable byte on (Transaction::advance_upload), and the
  // former blob goes into the trash with that.
  upload.former = row.blob;
  upload.row.blob = row.spare;
  upload.row.spare = {};
  upload.growing->growth = Content::Growth::ended;  // its readers have the former blob
  upload.growing = std::make_shared<Growing>();
  upload.growing->length = row.length.value_or(Growing::unknown);
  return {};
}

}  // namespace qrx::space
