// The bytes of a file, or of an upload while it grows, as readers get them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "space/blobs.h"
#include "space/catalog.h"

namespace qrx::space {

// Reads the bytes of a file, or of an upload while it grows.
class Content {
 public:
  virtual ~Content() = default;
  virtual const FileRow* file() const = 0;                  // null while it is an upload in progress
  virtual std::optional<std::uint64_t> length() const = 0;  // absent: not known yet
  virtual std::string name() const = 0;
  // As Opened::take(), of its own bytes; as Opened::read_at().
  virtual Result<Piece> take(std::uint64_t offset, std::uint64_t most) = 0;
  virtual Result<std::size_t> read_at(std::uint64_t offset, std::span<std::byte> out) const = 0;
  enum class Growth : std::uint8_t { growing, complete, ended };  // ended: will never be complete
  struct Available {
    std::uint64_t bytes;  // from the beginning
    Growth growth;
  };
  virtual Available available() const = 0;  // any thread; cheap
  virtual bool is_cut() const = 0;          // its space was blocked: stop. Any thread; cheap
  // As Opened::address(), of all its bytes; it is a right for the next minute, and must stand in no log.
  virtual std::optional<std::string> address(const Presented& /*as*/) const { return std::nullopt; }
};

// The bytes of an upload as its readers see them. Outlives the upload as long as somebody reads.
struct Growing {
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
  std::atomic<std::uint64_t> arrived{0};
  std::atomic<std::uint64_t> length{unknown};
  std::atomic<Content::Growth> growth{Content::Growth::growing};
};

// Whether the operator has blocked the space of what is read; null where somebody else watches over that.
using Blocked = std::shared_ptr<const std::atomic<bool>>;

// A complete file, open. Kind::not_found when it is deleted, Kind::integrity when its bytes were lost.
Result<std::shared_ptr<Content>> open_stored(Blobs& blobs, Catalog& catalog, const FileRow& row, Blocked blocked);
// An upload, with the bytes that `growing` counts.
Result<std::shared_ptr<Content>> open_growing(Blobs& blobs, const Id& blob, std::string name,
                                              std::shared_ptr<const Growing> growing, Blocked blocked);
// A file whose delivery is not committed: still an upload to its reader.
Result<std::shared_ptr<Content>> open_undelivered(Blobs& blobs, Catalog& catalog, const FileRow& row, Blocked blocked);

// Complete files of one delivery, read one after another: what several of them share is opened once. One thread at a
// time; one content at a time.
class StoredFiles {
 public:
  StoredFiles(Blobs& blobs, Catalog& catalog, std::vector<FileRow> files, Blocked blocked);
  const std::vector<FileRow>& files() const { return files_; }
  Result<std::shared_ptr<Content>> open(std::size_t index);         // as open_stored()
  bool is_cut() const { return blocked_ != nullptr && *blocked_; }  // as Content has it

 private:
  Blobs& blobs_;
  Catalog& catalog_;
  const std::vector<FileRow> files_;
  const Blocked blocked_;
  BlobKey blob_{};
  std::shared_ptr<Opened> opened_;  // of blob_
};

tl::unexpected<Error> no_such_file();

}  // namespace qrx::space
