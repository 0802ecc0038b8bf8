#include "space/copying.h"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "base/running_sums.h"
#include "space/context.h"

namespace qrx::space {
namespace {

constexpr std::size_t piece_bytes = 1U << 20;
constexpr std::size_t spaces_at_once = 500;

// The files of one blob, compared with their checksums as its bytes go by. They do not overlap; there may be gaps
// between them, where files were replaced.
class FileSums {
 public:
  explicit FileSums(std::vector<const FileRow*> files) : files_(std::move(files)), sums_(files_.size()) {
    std::sort(files_.begin(), files_.end(),
              [](const FileRow* a, const FileRow* b) { return a->blob_offset < b->blob_offset; });
  }
  void take(std::uint64_t at, ByteView bytes) {
    const std::uint64_t end = at + bytes.size();
    for (std::size_t i = next_; i < files_.size() && files_[i]->blob_offset < end; ++i) {
      const std::uint64_t file_end = files_[i]->blob_offset + files_[i]->size;
      const std::uint64_t from = std::max(at, files_[i]->blob_offset), until = std::min(end, file_end);
      if (from < until)
        sums_[i].update(bytes.subspan(static_cast<std::size_t>(from - at), static_cast<std::size_t>(until - from)));
      if (i == next_ && file_end <= end) ++next_;
    }
  }
  void tell_damaged(std::vector<std::string>& failures) const {
    for (std::size_t i = 0; i < files_.size(); ++i)
      if (sums_[i].sum() != files_[i]->xxh128)
        failures.push_back("file " + files_[i]->file.text() + ": its bytes are not those of its checksum");
  }

 private:
  std::vector<const FileRow*> files_;
  std::vector<Xxh128> sums_;
  std::size_t next_ = 0;  // the first whose end has not gone by
};

// What is to be copied of one blob.
struct Wanted {
  std::uint64_t size = 0;
  std::vector<const FileRow*> files;  // none: of an upload that goes on
};

// What stands in a space beside SpaceState.
struct Beside {
  std::vector<ShareRow> shares;
  std::vector<ShareFileRow> taken;
  std::vector<NoticeRow> notices;
  std::vector<ReceiptRow> receipts;
  std::vector<FileReceiptRow> file_receipts;
};

class SpaceCopy {
 public:
  SpaceCopy(const Stores& from, const Stores& to, Copied& copied, const std::function<void(const Copied&)>& tell)
      : from_(from), to_(to), copied_(copied), tell_(tell) {}

  Result<void> run(const SpaceState& state);

 private:
  std::map<BlobKey, Wanted> wanted(const SpaceState& state) const;
  Result<std::unique_ptr<Staged>> make(const BlobKey& blob);
  Result<void> copy_bytes(const BlobKey& blob, const Wanted& wish, Staged& into);
  Result<Extents> copy_blob(const BlobKey& blob, const Wanted& wish);
  Result<Beside> read_beside(const SpaceState& state);
  Result<void> put_rows(const SpaceState& state, const Beside& beside);

  const Stores& from_;
  const Stores& to_;
  Copied& copied_;
  const std::function<void(const Copied&)>& tell_;
  std::map<BlobKey, Extents> extents_;
};

std::map<BlobKey, Wanted> SpaceCopy::wanted(const SpaceState& state) const {
  std::map<BlobKey, Wanted> blobs;
  for (const FileRow& file : state.files) {
    Wanted& blob = blobs[file.blob];
    blob.size = std::max(blob.size, file.blob_offset + file.size);
    blob.files.push_back(&file);
  }
  for (const UploadRow& upload : state.uploads)
    if (upload.offset > 0 && !upload.damaged) blobs[upload.blob].size = upload.offset;
  return blobs;
}

// One that is there was made by a run that was broken off: no row names it.
Result<std::unique_ptr<Staged>> SpaceCopy::make(const BlobKey& blob) {
  auto made = to_.blobs.create(blob);
  if (made || made.error().kind != Kind::exists) return made;
  if (auto removed = to_.blobs.remove(blob); !removed) return tl::unexpected(removed.error());
  return to_.blobs.create(blob);
}

Result<void> SpaceCopy::copy_bytes(const BlobKey& blob, const Wanted& wish, Staged& into) {
  if (wish.size == 0) return {};  // of objects there is nothing to open; of files, an empty one is made
  const auto source = from_.blobs.open(blob);
  if (!source) return tl::unexpected(source.error());
  into.expect_length(wish.size);
  FileSums sums(wish.files);
  std::vector<std::byte> buffer(static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, wish.size)));
  for (std::uint64_t at = 0; at < wish.size;) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(buffer.size(), wish.size - at));
    const auto got = (*source)->read_at(at, std::span(buffer).first(most));
    if (!got) return tl::unexpected(got.error());
    if (*got == 0) return fail(Kind::integrity, "a blob is shorter than what is said to be in it");
    const ByteView bytes = ByteView(buffer).first(*got);
    if (auto written = into.write_at(at, bytes); !written) return written;
    // Waits where the store is slower than the source.
    if (auto begun = into.start_write_back(at, *got); !begun) return begun;
    sums.take(at, bytes);
    at += *got;
    copied_.bytes += *got;
    tell_(copied_);
  }
  sums.tell_damaged(copied_.failures);
  return {};
}

Result<Extents> SpaceCopy::copy_blob(const BlobKey& blob, const Wanted& wish) {
  auto made = make(blob);
  if (!made) return tl::unexpected(made.error());
  if (auto copied = copy_bytes(blob, wish, **made); !copied) {
    made->reset();
    (void)to_.blobs.remove(blob);
    return tl::unexpected(copied.error());
  }
  auto extents = (*made)->make_durable();
  made->reset();  // before it moves
  // A space takes its time, and nobody else is at work on this store meanwhile.
  if (extents)
    for (Extent& extent : *extents) extent.until.reset();
  if (!extents || wish.files.empty()) return extents;
  if (auto published = to_.blobs.publish({blob}); !published) return tl::unexpected(published.error());
  return extents;
}

Result<Beside> SpaceCopy::read_beside(const SpaceState& state) {
  Beside out;
  for (std::uint64_t next = 0;;) {
    auto page = from_.catalog.shares(state.space.guid, next, {});
    if (!page) return tl::unexpected(page.error());
    for (ShareRow& row : page->shares) out.shares.push_back(std::move(row));
    next = page->next;
    if (next == 0) break;
  }
  for (const ShareRow& share : out.shares) {
    auto taken = from_.catalog.share_files(share.share);
    if (!taken) return tl::unexpected(taken.error());
    for (ShareFileRow& row : *taken) out.taken.push_back(std::move(row));
  }
  // Only a transaction gives the notice of one share.
  auto read = from_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    out.notices.clear();
    for (const ShareRow& share : out.shares)
      if (auto notice = transaction.notice(share.share)) out.notices.push_back(std::move(*notice));
    return {};
  });
  if (!read) return tl::unexpected(read.error());
  for (const DeliveryRow& delivery : state.deliveries) {
    auto receipt = from_.catalog.receipt(delivery.delivery);
    if (!receipt) return tl::unexpected(receipt.error());
    if (!*receipt) continue;
    out.receipts.push_back(**receipt);
    auto files = from_.catalog.file_receipts(delivery.delivery);
    if (!files) return tl::unexpected(files.error());
    for (const FileReceiptRow& row : *files) out.file_receipts.push_back(row);
  }
  return out;
}

// Together: a space that is there is whole.
Result<void> SpaceCopy::put_rows(const SpaceState& state, const Beside& beside) {
  return to_.catalog.change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
    transaction.put_space(state.space);
    for (const DeliveryRow& row : state.deliveries) transaction.put_delivery(row);
    for (const FileRow& row : state.files) transaction.put_file(row);
    for (UploadRow row : state.uploads) {
      row.holder = row.spare = {};  // of nodes of the other server
      transaction.put_upload(row);
    }
    for (const auto& [blob, extents] : extents_) transaction.put_extents(blob, extents);
    SpaceChange change;
    change.at_least = state.space.seq;
    change.more = state.space.use;
    change.even_if_full = true;
    if (transaction.change_space(state.space.guid, change).taken != Taken::yes)
      return fail(Kind::other, "the other catalog did not take it");
    for (const ShareRow& row : beside.shares) transaction.put_share(row);
    for (const ShareFileRow& row : beside.taken) transaction.put_share_file(row);
    for (const NoticeRow& row : beside.notices) transaction.put_notice(row);
    for (const ReceiptRow& row : beside.receipts) transaction.put_receipt(row);
    for (const FileReceiptRow& row : beside.file_receipts) transaction.put_file_receipt(row);
    return {};
  });
}

Result<void> SpaceCopy::run(const SpaceState& state) {
  for (const auto& [blob, wish] : wanted(state)) {
    auto extents = copy_blob(blob, wish);
    if (!extents) return tl::unexpected(Error{extents.error().kind, about("blob", blob, extents.error()), {}});
    extents_[blob] = std::move(*extents);
  }
  const auto beside = read_beside(state);
  if (!beside) return tl::unexpected(beside.error());
  return put_rows(state, *beside);
}

// What a server that was cut short would remove with its next start: the rest of deliveries that are gone, and rows of
// a commit that did not come (Removal, CommitRows).
SpaceState without_leftovers(const SpaceState& state) {
  std::unordered_map<Id, bool, IdHash> committed;
  for (const DeliveryRow& row : state.deliveries) committed.emplace(row.delivery, row.committed.has_value());
  SpaceState out = state;
  const auto less = [](std::uint64_t& from, std::uint64_t amount) { from -= std::min(from, amount); };
  const auto give_back = [&](std::uint64_t bytes, const Weight& weight) {
    Use& use = out.space.use;
    less(use.bytes, bytes);
    less(use.weight.files, weight.files);
    less(use.weight.manifests, weight.manifests);
    less(use.weight.parts, weight.parts);
    less(use.weight.texts, weight.texts);
  };
  std::erase_if(out.files, [&](const FileRow& file) {
    const auto delivery = committed.find(file.delivery);
    if (delivery != committed.end() && (delivery->second || file.blob != file.delivery)) return false;
    give_back(file.size, weight_of(file.name));
    return true;
  });
  std::erase_if(out.uploads, [&](const UploadRow& upload) {
    if (upload.partial || committed.contains(upload.delivery)) return false;
    give_back(upload.offset, upload.offset > 0 ? weight_of(upload) : Weight{});
    return true;
  });
  return out;
}

// Of what went wrong for one space, no other will fare better.
bool ends_all(Kind kind) {
  return kind == Kind::no_room || kind == Kind::unavailable;
}

}  // namespace

Result<Copied> copy_spaces(const Stores& from, const Stores& to, const std::function<void(const Copied&)>& tell) {
  Copied copied;
  Guid last{};
  for (;;) {
    const auto page = from.catalog.summaries(last, spaces_at_once);
    if (!page) return tl::unexpected(page.error());
    if (page->empty()) return copied;
    for (const SpaceSummary& summary : *page) {
      last = summary.guid;
      const auto there = to.catalog.seq(summary.guid);
      if (!there) return tl::unexpected(there.error());
      if (*there) {
        ++copied.there;
        continue;
      }
      const auto state = from.catalog.space(summary.guid);
      if (!state) return tl::unexpected(state.error());
      if (*state == nullptr) continue;
      const SpaceState whole = without_leftovers(**state);
      if (auto done = SpaceCopy(from, to, copied, tell).run(whole); !done) {
        if (ends_all(done.error().kind)) return tl::unexpected(done.error());
        copied.failures.push_back("space " + summary.guid.text() + ": " + done.error().what);
        continue;
      }
      ++copied.spaces;
      copied.files += whole.files.size();
      tell(copied);
    }
  }
}

}  // namespace qrx::space
