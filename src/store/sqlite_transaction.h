// The writes of one transaction on the connection of a catalog, and what its cache must know of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "space/catalog.h"
#include "store/space_cache.h"
#include "store/sqlite.h"

namespace qrx::store {

// For one thread, while the transaction is open on the connection. After a statement has failed the others do nothing:
// code() says why, and whoever runs the transaction rolls it back.
class SqliteTransaction final : public space::Transaction {
 public:
  explicit SqliteTransaction(Connection& connection) : connection_(connection) {}

  int code() const { return code_; }     // of the first statement that failed
  void forgive() { code_ = SQLITE_OK; }  // what failed was rolled back
  ChangeLog& log() { return log_; }

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
  std::vector<space::BlobKey> remove_upload(const Id& upload) override;
  std::vector<space::BlobKey> remove_file(const Id& file) override;
  std::vector<space::BlobKey> remove_delivery(const Id& delivery) override;
  std::vector<space::BlobKey> remove_space(const Guid& guid) override;
  void discard(const space::BlobKey& blob) override;
  void forget_trash(const space::BlobKey& blob) override;
  std::uint64_t committed_deliveries(const Guid& guid) override;
  void remember(const std::string& name, const std::string& value) override;

  std::optional<space::ShareRow> share(const Id& share) override;
  std::vector<space::ShareRow> shares_to(const Guid& guid, const std::string& to) override;
  ShareCounts count_shares(const Guid& guid) override;
  void put_share(const space::ShareRow& row) override;
  std::optional<space::ShareFileRow> share_file(const Id& share, const Id& file) override;
  void put_share_file(const space::ShareFileRow& row) override;
  std::vector<space::FlightRow> flights(const Id& share, const Id& file, WallTime now) override;
  void put_flight(const space::FlightRow& row) override;
  void remove_flight(const Id& flight) override;
  void renew_flights(const Id& node, WallTime now, WallTime until) override;
  std::optional<space::NoticeRow> notice(const Id& share) override;
  void put_notice(const space::NoticeRow& row) override;
  void remove_notice(const Id& share) override;
  std::uint64_t count(std::uint64_t day, const std::string& name, std::uint64_t more) override;

 private:
  // What was read, or nothing and the transaction fails.
  template <class T>
  T known(Result<T> read) {
    if (read) return std::move(*read);
    note(connection_.extended_code());
    return T();
  }
  bool ok() const { return code_ == SQLITE_OK; }
  void note(int code) {
    if (code_ == SQLITE_OK) code_ = code;
  }
  // Runs a statement with RETURNING to its end: the number in the one row that it changed.
  std::optional<std::uint64_t> changed(Statement& statement);
  void give_back(const Guid& guid, const space::Use& less);
  // Deletes uploads or files, which count no more; their blobs go into the trash, and behind `blobs`.
  void remove_uploads(Statement statement, std::vector<space::BlobKey>& blobs);
  void remove_files(Statement statement, std::vector<space::BlobKey>& blobs);

  Connection& connection_;
  ChangeLog log_;
  int code_ = SQLITE_OK;
};

}  // namespace qrx::store
