// The part of a transaction that is about shares, and what all parts have in common. Private to src/store.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "space/catalog.h"
#include "store/sqlite.h"

namespace qrx::store {

// For one thread, while the transaction is open on the connection. After a statement has failed the others do nothing:
// code() says why, and whoever runs the transaction rolls it back.
class ShareTransaction : public space::Transaction {
 public:
  explicit ShareTransaction(Connection& connection) : connection_(connection) {}

  int code() const { return code_; }     // of the first statement that failed
  void forgive() { code_ = SQLITE_OK; }  // what failed was rolled back

  std::optional<space::ShareRow> share(const Id& share) override;
  std::vector<space::ShareRow> shares_to(const Guid& guid, const std::string& to) override;
  ShareCounts count_shares(const Guid& guid) override;
  void put_share(const space::ShareRow& row) override;
  std::optional<space::ShareFileRow> share_file(const Id& share, const Id& file) override;
  void put_share_file(const space::ShareFileRow& row) override;
  std::vector<space::TransferLease> leases(const Id& share, const Id& file, WallTime now) override;
  void put_lease(const space::TransferLease& row) override;
  void remove_lease(const Id& lease) override;
  void renew_leases(const Id& node, WallTime now, WallTime until) override;
  std::optional<space::NoticeRow> notice(const Id& share) override;
  void put_notice(const space::NoticeRow& row) override;
  void remove_notice(const Id& share) override;
  std::uint64_t count(std::uint64_t day, const std::string& name, std::uint64_t more) override;

 protected:
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

  Connection& connection_;

 private:
  int code_ = SQLITE_OK;
};

}  // namespace qrx::store
