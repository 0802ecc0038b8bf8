// Blobs as objects of an S3 store (space/blobs.h says how).
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "s3/live_blob.h"
#include "s3/object_options.h"
#include "s3/object_store.h"
#include "space/blobs.h"

namespace qrx::s3 {

// Thread-safe; different Staged of one blob must not be used at once.
class ObjectBlobs final : public space::Blobs {
 public:
  // Probes the store: Kind::usage, or Kind::unavailable when it does not answer. `catalog` and `clock` outlive it. The
  // clock is the one of all nodes: one whose machine is an hour off must not take what another has just stored for old.
  static Result<std::unique_ptr<ObjectBlobs>> open(ObjectBlobsOptions options, space::Catalog& catalog, Clock& clock);
  ~ObjectBlobs() override;

  bool in_objects() const override { return true; }
  Result<std::unique_ptr<space::Staged>> create(const space::BlobKey& blob) override;
  Result<std::unique_ptr<space::Staged>> reopen(const space::BlobKey& blob) override;
  Result<void> publish(const std::vector<space::BlobKey>&) override { return {}; }
  Result<std::unique_ptr<space::Opened>> open(const space::BlobKey& blob) override;
  Result<void> remove(const space::BlobKey& blob) override;
  std::vector<std::pair<space::BlobKey, Error>> remove_all(std::span<const space::BlobKey> blobs) override;
  Result<space::ObjectPage> objects(const std::string& from) override;
  Result<void> remove_object(const std::string& name) override;
  Result<void> belong_to(const std::string& catalog, bool anew) override;
  std::optional<std::string> trouble() override;
  bool has_room() const override { return store_->spool->has_room(); }
  void measure(Measures& to) const override;
  Result<void> quarantine(const space::BlobKey&) override { return {}; }
  Result<std::vector<space::BlobUse>> list() override { return std::vector<space::BlobUse>(); }
  std::uint64_t free_bytes() const override { return std::uint64_t{1} << 62; }  // the store's business

 private:
  explicit ObjectBlobs(std::shared_ptr<ObjectStore> store) : store_(std::move(store)) {}
  std::shared_ptr<LiveBlob> live(const space::BlobKey& blob);

  const std::shared_ptr<ObjectStore> store_;
  std::mutex mutex_;
  std::unordered_map<space::BlobKey, std::weak_ptr<LiveBlob>, IdHash> live_;
  std::size_t swept_at_ = 1024;  // entries
};

}  // namespace qrx::s3
