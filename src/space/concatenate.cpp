#include <algorithm>

#include "space/writer.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

constexpr std::size_t most_parts = 1024;

// Appends one blob to another, with its sum.
Result<void> append(const Rules& rules, Staged& to, std::uint64_t offset, const Opened& from, std::uint64_t size,
                    Xxh128& sum, const std::stop_token& stop) {
  const std::uint64_t start = offset;
  const auto add = [&](ByteView bytes) -> Result<void> {
    sum.update(bytes);
    auto written = to.write_at(offset, bytes);
    offset += bytes.size();
    return written;
  };
  if (auto read = read_through(rules, from, 0, size, add, stop); !read) return read;
  (void)to.start_write_back(start, size);
  return {};
}

}  // namespace

Result<UploadRow> Spaces::concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                      std::stop_token stop) {
  if (parts.empty() || parts.size() > most_parts) return fail(Kind::usage, "no parts, or too many of them");
  if (auto checked = wire::check_name(wish.name); !checked) return tl::unexpected(checked.error());
  auto entered = impl_->enter(guid);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;

  std::vector<UploadPtr> ordered;
  std::vector<UploadPtr> distinct;
  std::vector<Hold> holds;
  std::uint64_t total = 0;
  for (const Id& part : parts) {
    const auto same = [&](const UploadPtr& one) { return one->row.upload == part; };
    auto known = std::find_if(distinct.begin(), distinct.end(), same);
    if (known == distinct.end()) {
      auto held = impl_->hold(live, part);
      if (!held) return tl::unexpected(held.error());
      holds.emplace_back(*impl_, *entered, *held);
      known = distinct.insert(distinct.end(), std::move(*held));
    }
    const UploadRow& row = (*known)->row;
    if (!row.partial) return fail(Kind::usage, "a part is not a partial upload");
    if (row.length != row.offset) return fail(Kind::conflict, "a part is not complete");
    ordered.push_back(*known);
    total += row.offset;
  }

  const std::shared_lock gate(live.gate);
  NewUpload whole = wish;
  whole.length = total;
  whole.partial = false;
  std::uint64_t freed = 0;
  for (const UploadPtr& part : distinct) freed += part->counted;
  auto begun = impl_->begin_upload(live, {whole, {}, true, freed});
  if (!begun) return tl::unexpected(begun.error());
  std::vector<Id> keys;
  for (const UploadPtr& part : distinct) keys.push_back(part->row.blob);
  const Removing removing_these(*impl_, std::move(keys));
  auto whole_upload = impl_->hold(live, (*begun)->row.upload);
  if (!whole_upload) return tl::unexpected(whole_upload.error());
  const Hold hold(*impl_, *entered, *whole_upload);
  LiveUpload& upload = **whole_upload;
  const auto filled = [&]() -> Result<void> {
    upload.sum.reset();
    upload.summed = Growing::unknown;
    auto staged = impl_->blobs.reopen(upload.row.blob);
    if (!staged) return tl::unexpected(staged.error());
    std::uint64_t offset = 0;
    for (const UploadPtr& part : ordered) {
      auto blob = impl_->blobs.open(part->row.blob);
      if (!blob) return tl::unexpected(blob.error());
      if (auto done = append(*impl_, **staged, offset, **blob, part->row.offset, upload.sum, stop); !done) return done;
      offset += part->row.offset;
    }
    upload.summed = offset;
    if (auto durable = (*staged)->make_bytes_durable(); !durable) return durable;
    if (auto file = impl_->complete(live, *whole_upload, distinct, stop); !file) return tl::unexpected(file.error());
    return {};
  }();
  if (!filled) {
    if (!upload.removed)
      (void)impl_->drop_upload(live, *whole_upload,
                               impl_->durable());  // nobody was told of it; the parts are still there
    return tl::unexpected(filled.error());
  }
  for (const UploadPtr& part : distinct) (void)impl_->blobs.remove(part->row.blob);  // what stays is an orphan
  UploadRow row = upload.row;
  row.offset = total;
  return row;
}

}  // namespace qrx::space
