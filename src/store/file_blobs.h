// Blobs as files: DIR/staging/ID while they are written, DIR/blobs/XX/ID once published, DIR/quarantine for orphans.
#pragma once

#include <memory>
#include <string>

#include "space/blobs.h"

namespace qrx::store {

struct FileBlobsOptions {
  bool relaxed = false;  // no syncs: power loss may take what was acknowledged
};

// Thread-safe; different Staged of one blob must not be used at once. Follows no symbolic link below DIR.
class FileBlobs final : public space::Blobs {
 public:
  static Result<std::unique_ptr<FileBlobs>> open(const std::string& directory, FileBlobsOptions options);
  ~FileBlobs() override;

  Result<std::unique_ptr<space::Staged>> create(const space::BlobKey& blob) override;
  Result<std::unique_ptr<space::Staged>> reopen(const space::BlobKey& blob) override;
  Result<void> publish(const std::vector<space::BlobKey>& blobs) override;
  Result<std::unique_ptr<space::Opened>> open(const space::BlobKey& blob) override;
  Result<void> remove(const space::BlobKey& blob) override;
  Result<void> quarantine(const space::BlobKey& blob) override;
  Result<std::vector<space::BlobUse>> list() override;
  std::uint64_t free_bytes() const override;

 private:
  struct Impl;
  explicit FileBlobs(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::store
