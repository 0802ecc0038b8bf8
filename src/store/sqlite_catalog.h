// The catalog in one SQLite database (WAL). Exactly one process may have it open: the holder of the data lock (lock.h).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "space/catalog.h"

namespace qrx::store {

struct SqliteOptions {
  // No sync at commit: the end of the process loses nothing, power loss may take the last changes; the database stays
  // sound all the same.
  bool relaxed = false;
  // Spaces kept in memory for reading, counted in rows. A row takes about 300 bytes.
  std::size_t most_cached_rows = 65'536;
  std::size_t most_cached_spaces = 16'384;
  // Disk space set aside in the file PATH.reserve and given up when the disk is full, so that deletions can be written.
  std::uint64_t reserve_bytes = 4U << 20;
};

// Thread-safe. Changes of several threads share one transaction and one sync. A sync that failed is final: from then on
// every change fails with Kind::unavailable, until the process starts again and finds out what the disk has.
class SqliteCatalog final : public space::Catalog {
 public:
  // Makes the database (mode 0600) if there is none. Kind::other for one that a newer qrx wrote.
  static Result<std::unique_ptr<SqliteCatalog>> open(const std::string& path, SqliteOptions options);
  ~SqliteCatalog() override;

  Result<void> change(space::Durability durability,
                      const std::function<Result<void>(space::Transaction&)>& work) override;
  Result<std::shared_ptr<const space::SpaceState>> space(const Guid& guid) override;
  Result<std::optional<std::uint64_t>> seq(const Guid& guid) override;
  Result<space::CommittedPage> committed(const Guid& guid, const space::PageStart& from,
                                         const space::PageSize& most) override;
  Result<std::uint64_t> committed_files(const Guid& guid) override;
  Result<std::vector<space::SpaceSummary>> summaries(const Guid& after, std::size_t most) override;
  Result<Totals> totals() override;
  Result<std::optional<space::FileRow>> file(const Id& file) override;
  Result<std::vector<space::FileRow>> files(std::span<const Id> ids) override;
  Result<std::vector<space::DeliveryRow>> open_deliveries() override;
  Result<std::optional<std::string>> remembered(const std::string& name) override;
  Result<std::vector<Guid>> expired(WallTime now, std::size_t most) override;
  Result<std::vector<space::GoneDelivery>> gone_deliveries() override;
  Result<std::vector<space::UploadRow>> uploads() override;
  Result<std::vector<space::BlobKey>> blobs() override;
  Result<std::vector<space::BlobKey>> trash(const space::BlobKey& after, std::size_t most) override;
  Result<space::Extents> extents(const space::BlobKey& blob) override;
  Result<bool> shares_object(const std::string& object, const space::BlobKey& blob) override;
  Result<std::vector<space::FileRow>> files_after(const Id& last, std::size_t most) override;
  Result<void> check() override;
  Result<std::optional<space::ReceiptRow>> receipt(const Id& delivery) override;
  Result<std::vector<space::FileReceiptRow>> file_receipts(const Id& delivery) override;
  Result<std::optional<space::FileRow>> past_file(const Id& file) override;
  Result<std::vector<space::FileRow>> past_files(const Id& delivery) override;
  Result<space::SharePage> shares(const Guid& guid, std::uint64_t next, const space::SharePageSize& most) override;
  Result<std::optional<space::ShareRow>> share(const Id& share) override;
  Result<std::optional<space::ShareRow>> share_of_link(const Sha256Sum& link_hash) override;
  Result<std::optional<space::ShareFileRow>> share_file(const Id& share, const Id& file) override;
  Result<std::vector<space::ShareFileRow>> share_files(const Id& share) override;
  Result<std::uint64_t> least_taken(const Id& share) override;
  Result<std::optional<space::NoticeRow>> next_notice(const std::string& busy) override;
  Result<std::vector<space::NoticeRow>> claimed_notices() override;
  Result<std::vector<Id>> claims_before(WallTime noticed) override;
  Result<void> purge() override;

 private:
  struct Impl;
  explicit SqliteCatalog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::store
