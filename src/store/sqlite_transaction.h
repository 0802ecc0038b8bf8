// The writes of one transaction on the connection of a catalog. Private to src/store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "space/catalog.h"
#include "store/removal_transaction.h"
#include "store/sqlite.h"

namespace qrx::store {

class SqliteTransaction final : public RemovalTransaction {
 public:
  using RemovalTransaction::RemovalTransaction;

  std::optional<space::SpaceState> space(const Guid& guid) override;

  void put_space(const space::SpaceRow& row) override;
  void put_delivery(const space::DeliveryRow& row) override;
  void put_file(const space::FileRow& row) override;
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
  bool changes(Statement& statement);  // runs it; whether it changed anything
  // Runs a statement with RETURNING to its end: the number in the one row that it changed.
  std::optional<std::uint64_t> changed(Statement& statement);
};

}  // namespace qrx::store
