#include "space/content.h"

#include <utility>

namespace qrx::space {
namespace {

class StoredContent final : public Content {
 public:
  StoredContent(FileRow file, std::shared_ptr<Opened> blob, Blocked blocked)
      : file_(std::move(file)), blob_(std::move(blob)), blocked_(std::move(blocked)) {}
  const FileRow* file() const override { return &file_; }
  std::optional<std::uint64_t> length() const override { return file_.size; }
  std::string name() const override { return file_.name; }
  Result<Piece> take(std::uint64_t offset, std::uint64_t most) override {
    return blob_->take(file_.blob_offset + offset, most);
  }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return blob_->read_at(file_.blob_offset + offset, out);
  }
  std::optional<std::string> address(const Presented& as) const override {
    return file_.blob_offset == 0 ? blob_->address(file_.size, as) : std::nullopt;
  }
  Available available() const override { return {file_.size, Growth::complete}; }
  bool is_cut() const override { return blocked_ != nullptr && *blocked_; }

 private:
  const FileRow file_;
  const std::shared_ptr<Opened> blob_;
  const Blocked blocked_;
};

class GrowingContent final : public Content {
 public:
  GrowingContent(std::string name, std::shared_ptr<const Growing> growing, std::unique_ptr<Opened> blob,
                 Blocked blocked)
      : name_(std::move(name)), growing_(std::move(growing)), blob_(std::move(blob)), blocked_(std::move(blocked)) {}
  const FileRow* file() const override { return nullptr; }
  std::optional<std::uint64_t> length() const override {
    const std::uint64_t length = growing_->length;
    return length == Growing::unknown ? std::nullopt : std::optional(length);
  }
  std::string name() const override { return name_; }
  Result<Piece> take(std::uint64_t offset, std::uint64_t most) override { return blob_->take(offset, most); }
  Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    return blob_->read_at(offset, out);
  }
  Available available() const override {
    const Growth growth = growing_->growth.load(std::memory_order_acquire);  // before the bytes: complete means all
    return {growing_->arrived.load(std::memory_order_acquire), growth};
  }
  bool is_cut() const override { return blocked_ != nullptr && *blocked_; }

 private:
  const std::string name_;
  const std::shared_ptr<const Growing> growing_;
  const std::unique_ptr<Opened> blob_;
  const Blocked blocked_;
};

tl::unexpected<Error> lost_bytes_of_file() {
  return fail(Kind::integrity, "the server has lost bytes of this file");
}

Result<std::unique_ptr<Opened>> open_blob(Blobs& blobs, Catalog& catalog, const FileRow& row) {
  auto opened = blobs.open(row.blob);
  if (!opened && opened.error().kind == Kind::not_found) {
    const auto still = catalog.file(row.file);  // or it was deleted just now
    return still && *still ? lost_bytes_of_file() : no_such_file();
  }
  if (!opened) return opened;
  if ((*opened)->size() < row.blob_offset + row.size) return lost_bytes_of_file();
  return opened;
}

}  // namespace

tl::unexpected<Error> no_such_file() {
  return fail(Kind::not_found, "no such file");
}

Result<std::shared_ptr<Content>> open_stored(Blobs& blobs, Catalog& catalog, const FileRow& row, Blocked blocked) {
  auto opened = open_blob(blobs, catalog, row);
  if (!opened) return tl::unexpected(opened.error());
  return std::make_shared<StoredContent>(row, std::move(*opened), std::move(blocked));
}

Result<std::shared_ptr<Content>> open_growing(Blobs& blobs, const Id& blob, std::string name,
                                              std::shared_ptr<const Growing> growing, Blocked blocked) {
  auto opened = blobs.open(blob);
  if (!opened && opened.error().kind == Kind::not_found) return no_such_file();
  if (!opened) return tl::unexpected(opened.error());
  return std::make_shared<GrowingContent>(std::move(name), std::move(growing), std::move(*opened), std::move(blocked));
}

Result<std::shared_ptr<Content>> open_undelivered(Blobs& blobs, Catalog& catalog, const FileRow& row, Blocked blocked) {
  auto opened = open_blob(blobs, catalog, row);
  if (!opened) return tl::unexpected(opened.error());
  auto whole = std::make_shared<Growing>();
  whole->arrived = whole->length = row.size;
  whole->growth = Content::Growth::complete;
  return std::make_shared<GrowingContent>(row.name, std::move(whole), std::move(*opened), std::move(blocked));
}

StoredFiles::StoredFiles(Blobs& blobs, Catalog& catalog, std::vector<FileRow> files, Blocked blocked)
    : blobs_(blobs), catalog_(catalog), files_(std::move(files)), blocked_(std::move(blocked)) {}

Result<std::shared_ptr<Content>> StoredFiles::open(std::size_t index) {
  const FileRow& file = files_[index];
  // Small files that came together stand in one blob, one behind the other. It never becomes shorter.
  if (opened_ == nullptr || blob_ != file.blob || opened_->size() < file.blob_offset + file.size) {
    auto opened = open_blob(blobs_, catalog_, file);
    if (!opened) return tl::unexpected(opened.error());
    opened_ = std::move(*opened);
    blob_ = file.blob;
  }
  return std::make_shared<StoredContent>(file, opened_, blocked_);
}

}  // namespace qrx::space
