#include <unordered_set>

#include "space/writer.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

constexpr std::size_t most_parts = 1024;

// Appends one part to what is made of them, with its sum. No gate is held: the owner may delete the space meanwhile.
Result<void> append(const Rules& rules, LiveUpload& upload, Staged& to, std::uint64_t offset, const LiveUpload& part,
                    const std::stop_token& stop) {
  auto blob = rules.blobs.open(part.row.blob);
  if (!blob) return tl::unexpected(blob.error());
  const std::uint64_t start = offset;
  const auto add = [&](ByteView bytes) -> Result<void> {
    if (upload.stop.load(std::memory_order_relaxed) == StopReason::removed)
      return fail(Kind::gone, "this upload was removed");
    upload.sum.update(bytes);
    auto written = to.write_at(offset, bytes);
    offset += bytes.size();
    return written;
  };
  if (auto read = read_through(rules, **blob, 0, part.row.offset, add, stop); !read) return read;
  (void)to.start_write_back(start, part.row.offset);
  return {};
}

}  // namespace

// Holds what is named, in its order. tus needs no part twice, and each would be written as often as it is named.
static Result<std::vector<UploadPtr>> hold_parts(Rules& rules, const LivePtr& live, const std::vector<Id>& parts,
                                                 std::vector<Hold>& holds) {
  std::vector<UploadPtr> held;
  std::unordered_set<Id, IdHash> named;
  for (const Id& part : parts) {
    if (!named.insert(part).second) return fail(Kind::usage, "a part is named twice");
    auto one = rules.hold(*live, part);
    if (!one) return tl::unexpected(one.error());
    holds.emplace_back(rules, live, *one);
    const UploadRow& row = (*one)->row;
    if (!row.partial) return fail(Kind::usage, "a part is not a partial upload");
    if (row.length != row.offset) return fail(Kind::conflict, "a part is not complete");
    held.push_back(std::move(*one));
  }
  return held;
}

Result<UploadRow> Spaces::concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                      std::stop_token stop) {
  if (parts.empty() || parts.size() > most_parts) return fail(Kind::usage, "no parts, or too many of them");
  if (auto checked = wire::check_name(wish.name); !checked) return tl::unexpected(checked.error());
  auto entered = impl_->enter(guid);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  std::vector<Hold> holds;
  auto held = hold_parts(*impl_, *entered, parts, holds);
  if (!held) return tl::unexpected(held.error());
  NewUpload whole = wish;
  whole.partial = false;
  std::uint64_t total = 0, freed = 0;
  std::vector<Id> keys;
  for (const UploadPtr& part : *held) {
    total += part->row.offset;
    freed += part->counted;
    keys.push_back(part->row.blob);
  }
  whole.length = total;

  std::shared_lock gate(live.gate);
  auto begun = impl_->begin_upload(live, {whole, {}, true, freed});
  if (!begun) return tl::unexpected(begun.error());
  const Removing removing_these(*impl_, std::move(keys));
  auto whole_upload = impl_->hold(live, (*begun)->row.upload);
  if (!whole_upload) return tl::unexpected(whole_upload.error());
  const Hold hold(*impl_, *entered, *whole_upload);
  LiveUpload& upload = **whole_upload;
  gate.unlock();
  auto filled = [&]() -> Result<void> {
    upload.sum.reset();
    upload.summed = Growing::unknown;
    auto staged = impl_->blobs.reopen(upload.row.blob);
    if (!staged) return tl::unexpected(staged.error());
    std::uint64_t offset = 0;
    for (const UploadPtr& part : *held) {
      if (auto done = append(*impl_, upload, **staged, offset, *part, stop); !done) return done;
      offset += part->row.offset;
    }
    upload.summed = offset;
    return (*staged)->make_bytes_durable();
  }();
  gate.lock();
  {
    const std::lock_guard lock(live.mutex);
    if (upload.removed) return fail(Kind::gone, "this upload was removed");
  }
  if (filled)
    if (auto file = impl_->complete(live, *whole_upload, *held, stop); !file) filled = tl::unexpected(file.error());
  if (!filled) {
    if (!upload.removed)
      (void)impl_->drop_upload(live, *whole_upload, impl_->durable());  // nobody was told of it; the parts stay
    return tl::unexpected(filled.error());
  }
  for (const UploadPtr& part : *held) (void)impl_->blobs.remove(part->row.blob);  // what stays is an orphan
  UploadRow row = upload.row;
  row.offset = total;
  return row;
}

}  // namespace qrx::space
