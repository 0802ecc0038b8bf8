#include "space/concatenate.h"

#include <optional>
#include <string>
#include <unordered_set>
#include <utility>

#include "wire/names.h"

namespace qrx::space {
namespace {

// Each part is locked, and kept open one after another; tus clients send a handful.
constexpr std::size_t most_parts = 1024;
constexpr std::uint64_t written_back_every = 8U << 20;

// Appends one part to what is made of them, with its sum. No gate is held: the owner may delete the space meanwhile.
Result<void> append(const Context& context, LiveUpload& upload, Staged& to, std::uint64_t offset,
                    const LiveUpload& part, const std::stop_token& stop) {
  auto blob = context.blobs.open(part.row.blob);
  if (!blob) return tl::unexpected(blob.error());
  std::uint64_t written_back = offset;
  const auto add = [&](ByteView bytes) -> Result<void> {
    if (upload.stop.load(std::memory_order_relaxed) == StopReason::removed)
      return fail(Kind::gone, "this upload was removed");
    upload.sum.update(bytes);
    if (auto written = to.write_at(offset, bytes); !written) return written;
    offset += bytes.size();
    if (offset - written_back < written_back_every) return {};
    return to.start_write_back(std::exchange(written_back, offset), written_back_every);
  };
  if (auto read = read_through(context, **blob, 0, part.row.offset, add, stop); !read) return read;
  return to.start_write_back(written_back, offset - written_back);
}

struct Held {
  std::vector<UploadLock> locks;
  std::vector<UploadPtr> uploads;
  std::uint64_t bytes = 0, counted = 0;
};

// Locks what is named, in its order. tus needs no part twice, and each would be written as often as it is named. Two
// requests that name the same parts in different orders wait for each other no longer than policy.lock_wait: then one
// gets Kind::locked, and lets go of all it had.
Result<Held> lock_parts(Uploads& uploads, LiveSpace& live, const std::vector<Id>& named) {
  Held held;
  std::unordered_set<Id, IdHash> known;
  for (const Id& part : named) {
    if (!known.insert(part).second) return fail(Kind::usage, "a part is named twice");
    auto one = uploads.lock(live, part);
    if (!one) return tl::unexpected(one.error());
    const UploadPtr& upload = one->upload();
    const UploadRow& row = upload->row;
    if (!row.partial) return fail(Kind::usage, "a part is not a partial upload");
    if (row.length != row.offset) return fail(Kind::conflict, "a part is not complete");
    held.bytes += row.offset;
    held.counted += upload->counted;
    held.uploads.push_back(upload);
    held.locks.push_back(std::move(*one));
  }
  return held;
}

Result<void> fill(const Context& context, LiveUpload& upload, const std::vector<UploadPtr>& parts,
                  const std::stop_token& stop) {
  upload.sum.reset();
  upload.summed = Growing::unknown;
  auto staged = context.blobs.reopen(upload.row.blob);
  if (!staged) return tl::unexpected(staged.error());
  std::uint64_t offset = 0;
  for (const UploadPtr& part : parts) {
    if (auto done = append(context, upload, **staged, offset, *part, stop); !done) return done;
    offset += part->row.offset;
  }
  upload.summed = offset;
  auto durable = (*staged)->make_bytes_durable();
  if (!durable) return tl::unexpected(durable.error());
  upload.unnamed = std::move(*durable);
  return {};
}

}  // namespace

Result<UploadRow> concatenate(const WriterParts& parts, LiveSpace& live, const NewUpload& wish,
                              const std::vector<Id>& named, const std::stop_token& stop) {
  if (named.empty() || named.size() > most_parts) return fail(Kind::usage, "no parts, or too many of them");
  if (auto checked = wire::check_name(wish.name); !checked) return tl::unexpected(checked.error());
  Context& context = parts.context;
  auto held = lock_parts(parts.uploads, live, named);
  if (!held) return tl::unexpected(held.error());
  NewUpload whole = wish;
  whole.partial = false;
  whole.length = held->bytes;

  std::optional<SharedGate> gate(live);
  // The parts count until they are gone, and so does the whole: what they free is taken off, or a space could never be
  // filled by more than half in this way.
  auto begun = parts.uploads.begin(*gate, live, {whole, {}, true, held->counted});
  if (!begun) return tl::unexpected(begun.error());
  auto lock = parts.uploads.lock(live, (*begun)->row.upload);
  if (!lock) return tl::unexpected(lock.error());
  LiveUpload& upload = *lock->upload();
  // Copying takes long. The lock of the upload keeps others from writing it, and `removed` shows below what ended it
  // meanwhile.
  gate.reset();
  auto filled = fill(context, upload, held->uploads, stop);
  gate.emplace(live);
  {
    const SpaceLock in_memory(live);
    if (upload.removed) return fail(Kind::gone, "this upload was removed");
  }
  if (filled)
    if (auto file = parts.completion.complete(*gate, live, *lock, held->uploads, stop); !file)
      filled = tl::unexpected(file.error());
  if (!filled) {
    if (!upload.removed)  // nobody was told of it; the parts stay
      (void)parts.uploads.drop(SoleUse(*gate, *lock), live, lock->upload(), context.durability());
    return tl::unexpected(filled.error());
  }
  UploadRow row = upload.row;
  row.offset = held->bytes;
  return row;
}

}  // namespace qrx::space
