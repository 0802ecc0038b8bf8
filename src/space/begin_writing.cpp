#include "space/begin_writing.h"

#include <algorithm>
#include <string>
#include <utility>

#include "space/taking_over.h"

namespace qrx::space {
namespace {

// Of an upload that is complete already: takes no bytes, finishes with the file.
class CompleteWriter final : public UploadWriter {
 public:
  explicit CompleteWriter(FileRow file) : file_(std::move(file)) {}
  std::uint64_t offset() const override { return file_.size; }
  Result<void> write(ByteView bytes) override {
    if (bytes.empty()) return {};
    return fail(Kind::too_large, "the upload is complete already");
  }
  bool asked_to_stop() const override { return false; }
  Result<Finished> finish() override { return Finished{file_.size, true, file_}; }

 private:
  FileRow file_;
};

// Rows and blob of an upload at its offset, ready to be gone on with; its running sum too. The caller has its lock.
Result<std::unique_ptr<Staged>> open_staged(const WriterParts& parts, LiveSpace& live, LiveUpload& upload) {
  Context& context = parts.context;
  const std::uint64_t offset = upload.row.offset;
  if (upload.row.spare != BlobKey())
    if (auto copied = copy_to_spare(context, live, upload); !copied) return tl::unexpected(copied.error());
  auto staged = context.blobs.reopen(upload.row.blob);
  if (!staged && staged.error().kind == Kind::not_found && offset == 0) staged = context.blobs.create(upload.row.blob);
  if (!staged && staged.error().kind != Kind::not_found) return staged;
  auto size = staged ? (*staged)->size() : Result<std::uint64_t>(0);
  if (!size) return tl::unexpected(size.error());
  if (!staged || *size < offset) {
    parts.completion.mark_corrupt(live, upload);
    return lost_bytes();
  }
  // What a failed request left behind was never acknowledged.
  if (*size > offset)
    if (auto cut = (*staged)->truncate(offset); !cut) return tl::unexpected(cut.error());
  upload.unnamed.clear();  // of an earlier writer; this one begins at what the row tells
  if (auto summed = parts.completion.sum_up_to(upload, offset); !summed) return tl::unexpected(summed.error());
  return staged;
}

// A new epoch: what an earlier writer still wants to record finds its own gone.
Result<void> begin_epoch(const WriterParts& parts, LiveSpace& live, LiveUpload& upload) {
  Context& context = parts.context;
  if (std::exchange(upload.untouched, false)) return {};
  UploadRow row;
  {
    const SpaceLock lock(live);
    row = upload.row;
    row.expires = std::min(live.row.expires, context.clock.wall() + context.policy.upload_expire);
  }
  std::optional<SpaceHead> head;
  bool from_other = false;
  // A catalog that falls alone must not forget an epoch whose writer lives on: the next writer would get the same
  // number, both could record, and one would cut off what the other was told is there.
  const auto how = context.policy.shared ? context.durability() : Durability::lazy;
  auto changed = context.catalog.change(how, [&](Transaction& transaction) -> Result<void> {
    if (auto there = parts.versions.note(live, transaction, head); !there) return there;
    from_other = false;  // it may run again
    if (head) {
      const auto taken = take_over(context, transaction, row);
      if (!taken) return tl::unexpected(taken.error());
      from_other = *taken;
    }
    const auto epoch = transaction.begin_writing(row);
    if (!epoch) return no_such_upload();  // removed meanwhile
    row.epoch = *epoch;
    return {};
  });
  if (!changed) return changed;
  if (from_other) ++context.taken_over;
  if (head) parts.versions.publish(live, head);
  const SpaceLock lock(live);
  if (row.epoch != upload.row.epoch + 1) upload.summed = Growing::unknown;  // others were at it
  upload.row = row;
  return {};
}

Result<std::unique_ptr<UploadWriter>> of_complete(Uploads& uploads, const LiveSpace& live, const Id& upload,
                                                  std::uint64_t offset) {
  auto file = uploads.completed(live, upload);
  if (!file) return tl::unexpected(file.error());
  if (file->size != offset) return fail(Kind::conflict, "the upload is at byte " + std::to_string(file->size));
  return std::make_unique<CompleteWriter>(std::move(*file));
}

}  // namespace

Result<std::unique_ptr<UploadWriter>> open_writer(const WriterParts& parts, LivePtr live, const Id& upload,
                                                  std::uint64_t offset, std::optional<ChunkChecksum> expected,
                                                  const std::string& peer) {
  std::optional<Writer::Checksum> checksum;
  if (expected) {
    auto running = NamedSum::start(expected->algorithm);
    if (!running) return fail(Kind::usage, "unknown checksum algorithm");
    checksum = Writer::Checksum{std::move(*running), std::move(expected->sum)};
  }
  auto held = parts.uploads.lock(*live, upload);
  if (!held && held.error().kind == Kind::not_found) return of_complete(parts.uploads, *live, upload, offset);
  if (!held) return tl::unexpected(held.error());
  LiveUpload& one = *held->upload();  // its row is ours to read while we have its lock
  if (one.published) {
    const SharedGate gate(*live);
    if (auto file = parts.completion.complete(gate, *live, *held); !file) return tl::unexpected(file.error());
    return of_complete(parts.uploads, *live, upload, offset);
  }
  if (one.row.offset != offset) return fail(Kind::conflict, "the upload is at byte " + std::to_string(one.row.offset));
  {
    const SpaceLock lock(*live);
    const std::uint64_t coming = one.row.length ? *one.row.length - offset : 0;
    if (auto room = parts.quotas.promise(lock, *live, one, coming, peer); !room) return tl::unexpected(room.error());
  }
  if (auto begun = begin_epoch(parts, *live, one); !begun) return tl::unexpected(begun.error());
  auto staged = open_staged(parts, *live, one);
  if (!staged) return tl::unexpected(staged.error());
  one.growing->arrived = offset;
  return std::make_unique<Writer>(parts, std::move(live), std::move(*held), std::move(*staged), std::move(checksum));
}

}  // namespace qrx::space
