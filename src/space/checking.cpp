#include "space/checking.h"

#include <unordered_map>
#include <unordered_set>

#include "space/orphans.h"

namespace qrx::space {
namespace {

// Rows in memory at a time; a catalog may have millions.
constexpr std::size_t files_at_once = 1000;

// Compares one file with its bytes. Catalog and blobs change while we look: what is deleted meanwhile is no finding.
Result<void> check_file(Context& context, const FileRow& file, Checked& checked,
                        const std::function<void(const std::string&)>& tell, const std::stop_token& stop) {
  const auto still_wanted = [&] {
    auto row = context.catalog.file(file.file);
    auto space = context.catalog.space(file.guid);
    return row && *row && space && *space != nullptr && (*space)->space.phase != Phase::dying;
  };
  ++checked.files;
  const std::string what = "file " + file.file.text() + " of space " + file.guid.text();
  auto blob = context.blobs.open(file.blob);
  if (!blob) {
    if (!still_wanted()) return {};
    ++checked.missing;
    const bool absent = blob.error().kind == Kind::not_found;
    tell(what + ": " + (absent ? "its bytes are missing" : blob.error().what));
    return {};
  }
  Xxh128 sum;
  const auto add = [&](ByteView bytes) -> Result<void> {
    sum.update(bytes);
    return {};
  };
  auto read = read_through(context, **blob, file.blob_offset, file.size, add, stop);
  // A read that was stopped has no right sum, and is no finding.
  if (auto on = context.go_on(stop); !on) return on;
  checked.bytes += file.size;
  if ((read && sum.sum() == file.xxh128) || !still_wanted()) return {};
  ++checked.corrupt;
  tell(what + ": " + (read ? "its checksum differs" : read.error().what));
  return {};
}

using Tell = std::function<void(const std::string&)>;

Result<void> check_files(Context& context, Checked& checked, const Tell& tell, const std::stop_token& stop) {
  Id last{};
  for (;;) {
    auto files = context.catalog.files_after(last, files_at_once);
    if (!files) return tl::unexpected(files.error());
    if (files->empty()) return {};
    last = files->back().file;
    for (const FileRow& file : *files)
      if (auto done = check_file(context, file, checked, tell, stop); !done) return done;
  }
}

Result<void> check_uploads(Context& context, const std::vector<BlobUse>& there, Checked& checked, const Tell& tell) {
  auto uploads = context.catalog.uploads();
  if (!uploads) return tl::unexpected(uploads.error());
  std::unordered_map<Id, std::uint64_t, IdHash> sizes;
  for (const BlobUse& use : there) sizes[use.blob] = use.size;
  for (const UploadRow& row : *uploads) {
    const auto size = sizes.find(row.blob);
    // The list is older than the row: the upload may have grown since, which the second look shows.
    if (row.offset == 0 || (size != sizes.end() && size->second >= row.offset)) continue;
    if (auto opened = context.blobs.open(row.blob); opened && (*opened)->size() >= row.offset) continue;
    ++checked.missing;
    tell("upload " + row.upload.text() + " of space " + row.guid.text() + ": bytes that were acknowledged are missing");
  }
  return {};
}

// Blobs, and objects of a store of them, that no row names.
Result<void> check_orphans(Context& context, const std::vector<BlobUse>& there, Checked& checked, const Tell& tell,
                           const std::stop_token& stop) {
  auto open = context.catalog.open_deliveries();
  if (!open) return tl::unexpected(open.error());
  auto named = context.catalog.blobs();
  if (!named) return tl::unexpected(named.error());
  std::unordered_set<Id, IdHash> used(named->begin(), named->end());
  // The pack of an open delivery has the delivery's id, and rows only once that is committed.
  for (const DeliveryRow& delivery : *open) used.insert(delivery.delivery);
  for (const BlobUse& use : there) {
    if (used.contains(use.blob)) continue;
    // Removed since the list was made.
    if (auto opened = context.blobs.open(use.blob); !opened) continue;
    ++checked.orphans;
    tell("blob " + use.blob.text() + ": nothing in the catalog names it");
  }
  const auto nameless = [&](const StoredObject& object) {
    ++checked.orphans;
    tell("object " + object.name + ": nothing in the catalog names it");
  };
  return find_nameless(context, nameless, stop);
}

}  // namespace

Result<Checked> check(Context& context, const std::function<void(const std::string&)>& tell,
                      const std::stop_token& stop) {
  Checked checked;
  if (auto sound = context.catalog.check(); !sound) {
    if (sound.error().kind != Kind::integrity) return tl::unexpected(sound.error());
    ++checked.corrupt;
    tell(sound.error().what);
  }
  // The blobs are listed before the rows: a row comes before its blob, so what is begun in between is in neither list
  // rather than missing or an orphan.
  const auto there = context.blobs.list();
  if (!there) return tl::unexpected(there.error());
  auto done = check_files(context, checked, tell, stop);
  if (done) done = check_uploads(context, *there, checked, tell);
  if (done) done = check_orphans(context, *there, checked, tell, stop);
  if (!done) return tl::unexpected(done.error());
  return checked;
}

}  // namespace qrx::space
