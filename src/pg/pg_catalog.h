// The catalog in PostgreSQL, for many nodes at once.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "space/shared_catalog.h"

namespace qrx::pg {

struct PgOptions {
  std::string listen_dsn{};  // for one connection, straight to the primary; empty: the same
  unsigned most_connections = 16;
  // Spaces kept in memory for reading, counted in rows. A row takes about 300 bytes.
  std::size_t most_cached_rows = 65'536;
};

// Thread-safe; works of several threads run side by side, those about one space one after another. What is tried again:
// a work that was in somebody's way, or whose connection was lost before its commit was sent; until give_up_after.
class PgCatalog final : public space::SharedCatalog {
 public:
  static constexpr Millis give_up_after{8000};

  // Makes the tables in a database without any. Kind::usage for what is no address, or has a password in it; and for
  // tables that only a newer qrx may write. Kind::unavailable: it cannot be reached, or its tables are too old.
  static Result<std::unique_ptr<PgCatalog>> open(const std::string& dsn, PgOptions options);
  // Brings the tables up to date; true: there was something to do.
  static Result<bool> migrate(const std::string& dsn);
  ~PgCatalog() override;

  Clock& clock() override;
  bool is_new() const override;
  void join(space::NodeEvents& events) override;
  void leave() override;
  void tell(const Id& topic, bool may_wait) override;
  void introduce(space::NodeCard card) override;
  void measure(Measures& to) const override;
  Result<void> health() override;

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
  // Nothing to do: what was removed leaves the tables with their next vacuum, and the log as that is recycled.
  Result<void> purge() override { return {}; }

 private:
  struct Impl;
  explicit PgCatalog(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace qrx::pg
