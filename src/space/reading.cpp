#include <algorithm>

#include "space/live_shares.h"

namespace qrx::space {
namespace {

class StoredContent final : public Content {
 public:
  StoredContent(FileRow file, std::unique_ptr<Opened> blob) : file_(std::move(file)), blob_(std::move(blob)) {}
  const FileRow* file() const override { return &file_; }
  std::optional<std::uint64_t> length() const override { return file_.size; }
  std::string name() const override { return file_.name; }
  int fd() const override { return blob_->fd(); }
  std::uint64_t blob_offset() const override { return file_.blob_offset; }
  Available available() const override { return {file_.size, Growth::complete}; }

 private:
  const FileRow file_;
  const std::unique_ptr<Opened> blob_;
};

class GrowingContent final : public Content {
 public:
  GrowingContent(std::string name, std::shared_ptr<const Growing> growing, std::unique_ptr<Opened> blob)
      : name_(std::move(name)), growing_(std::move(growing)), blob_(std::move(blob)) {}
  const FileRow* file() const override { return nullptr; }
  std::optional<std::uint64_t> length() const override {
    const std::uint64_t length = growing_->length;
    return length == Growing::unknown ? std::nullopt : std::optional(length);
  }
  std::string name() const override { return name_; }
  int fd() const override { return blob_->fd(); }
  std::uint64_t blob_offset() const override { return 0; }
  Available available() const override {
    const Growth growth = growing_->growth.load(std::memory_order_acquire);  // before the bytes: complete means all
    return {growing_->arrived.load(std::memory_order_acquire), growth};
  }

 private:
  const std::string name_;
  const std::shared_ptr<const Growing> growing_;
  const std::unique_ptr<Opened> blob_;
};

tl::unexpected<Error> no_such_file() {
  return fail(Kind::not_found, "no such file");
}
tl::unexpected<Error> lost_bytes() {
  return fail(Kind::integrity, "the server has lost bytes of this file");
}

}  // namespace

Result<std::shared_ptr<Content>> open_stored(Rules& rules, const FileRow& row) {
  auto opened = rules.blobs.open(row.blob);
  if (!opened && opened.error().kind == Kind::not_found) {
    const auto still = rules.catalog.file(row.file);  // or it was deleted just now
    return still && *still ? lost_bytes() : no_such_file();
  }
  if (!opened) return tl::unexpected(opened.error());
  if ((*opened)->size() < row.blob_offset + row.size) return lost_bytes();
  return std::make_shared<StoredContent>(row, std::move(*opened));
}

Result<std::shared_ptr<Content>> Spaces::content(const Guid& guid, std::string_view token, const Id& file) {
  auto live = impl_->enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  std::string name;
  std::shared_ptr<const Growing> growing;
  Id blob = file;  // of an upload
  bool open = false;
  {
    const std::lock_guard lock((*live)->mutex);
    const auto upload = (*live)->uploads.find(file);
    if (upload != (*live)->uploads.end() && !upload->second->row.partial && !upload->second->row.damaged) {
      name = upload->second->row.name;
      growing = upload->second->growing;
      blob = upload->second->row.blob;
    }
  }
  if (growing != nullptr) {
    auto opened = impl_->blobs.open(blob);
    if (!opened && opened.error().kind == Kind::not_found) return no_such_file();
    if (!opened) return tl::unexpected(opened.error());
    return std::make_shared<GrowingContent>(std::move(name), std::move(growing), std::move(*opened));
  }
  auto row = impl_->catalog.file(file);
  if (!row) return tl::unexpected(row.error());
  if (!*row || (*row)->guid != guid) return no_such_file();
  {
    const std::lock_guard lock((*live)->mutex);
    open = (*live)->open.contains((*row)->delivery);
  }
  auto opened = impl_->blobs.open((*row)->blob);
  if (!opened && opened.error().kind == Kind::not_found) {
    const auto still = impl_->catalog.file(file);  // or it was deleted just now
    return still && *still ? lost_bytes() : no_such_file();
  }
  if (!opened) return tl::unexpected(opened.error());
  if ((*opened)->size() < (*row)->blob_offset + (*row)->size) return lost_bytes();
  if (!open) return std::make_shared<StoredContent>(std::move(**row), std::move(*opened));
  // Complete, but not delivered: still an upload to its reader.
  auto whole = std::make_shared<Growing>();
  whole->arrived = whole->length = (*row)->size;
  whole->growth = Content::Growth::complete;
  return std::make_shared<GrowingContent>((*row)->name, std::move(whole), std::move(*opened));
}

Result<Sha256Sum> Spaces::sha256(const FileRow& file, std::stop_token stop) {
  auto row = impl_->catalog.file(file.file);
  if (!row) return tl::unexpected(row.error());
  if (!*row) return no_such_file();
  if ((*row)->sha256) return *(*row)->sha256;
  auto blob = impl_->blobs.open((*row)->blob);
  if (!blob) return tl::unexpected(blob.error());
  Sha256 running;
  const auto add = [&](ByteView bytes) -> Result<void> {
    running.update(bytes);
    return {};
  };
  auto read = read_through(*impl_, **blob, (*row)->blob_offset, (*row)->size, add, stop);
  if (!read) return tl::unexpected(read.error());
  const Sha256Sum sum = running.sum();
  auto live = impl_->find((*row)->guid);
  if (!live || *live == nullptr) return sum;
  // Under the gate, so that the row of a file that was removed meanwhile does not come back.
  const std::shared_lock gate((*live)->gate);
  {
    const std::lock_guard lock((*live)->mutex);
    if ((*live)->row.phase == Phase::dying) return sum;
  }
  if (auto again = impl_->catalog.file(file.file); !again || !*again) return sum;
  (*row)->sha256 = sum;
  (void)impl_->catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.put_file(**row);
    return {};
  });
  return sum;
}

}  // namespace qrx::space
