// The work of one transaction on a connection, and which spaces it changes. Private to src/pg.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "pg/pg_removal_transaction.h"

namespace qrx::pg {

class PgTransaction final : public PgRemovalTransaction {
 public:
  using PgRemovalTransaction::PgRemovalTransaction;

  // The last statements before the commit: what is kept of the spaces it changed is old from then on.
  void finish();
  // Its number, by which its outcome is known when the answer to its COMMIT is lost.
  std::int64_t number();

  std::optional<space::SpaceState> space(const Guid& guid) override;

  void put_space(const space::SpaceRow& row) override;
  void put_delivery(const space::DeliveryRow& row) override;
  void put_file(const space::FileRow& row) override;
  void put_files(std::span<const space::FileRow> rows) override;
  void put_upload(const space::UploadRow& row) override;

  space::SpaceChanged change_space(const Guid& guid, const space::SpaceChange& change) override;
  std::optional<space::UploadRow> upload(const Id& upload) override;
  std::optional<space::OpenDelivery> open_delivery(const Id& delivery) override;
  bool advance_upload(const space::UploadRow& row, std::uint64_t offset) override;
  bool change_upload(const space::UploadRow& row) override;
  std::optional<std::uint64_t> begin_writing(const space::UploadRow& row) override;
  std::optional<std::uint64_t> finish_upload(const space::UploadRow& row) override;
  bool commit_delivery(const space::DeliveryRow& row) override;
  std::uint64_t committed_deliveries(const Guid& guid) override;
  void remember(const std::string& name, const std::string& value) override;

 private:
  space::Taken find_obstacle(const Guid& guid, const space::Use& more);
};

}  // namespace qrx::pg
