// The part of a transaction that is about shares and receipts, and what all parts have in common. Private to src/pg.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pg/pg_connection.h"
#include "space/catalog.h"

namespace qrx::pg {

// For one thread, while the transaction is open on the connection. After a statement has failed the others do nothing:
// failed() says so, and whoever runs the transaction rolls it back.
//
// A transaction that has anything to do with a space holds the lock of the space's row from its first statement on, and
// each statement sees what was committed before it (READ COMMITTED): so works about one space run one after another, as
// if there were no other, and those about different spaces side by side. Who names a space by something in it (an
// upload, a share) locks the space of that, unless a space is locked already: a work is about one space.
class PgShareTransaction : public space::Transaction {
 public:
  // `node`: whose claims and leases are written.
  PgShareTransaction(Connection& connection, const Id& node) : connection_(connection), node_(node) {}

  bool failed() const { return failed_; }
  const std::optional<Error>& refusal() const { return refusal_; }  // why, when no statement has failed
  std::int64_t xid() const { return xid_; }                         // 0: it has none yet

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

  std::optional<space::ReceiptRow> receipt(const Id& delivery) override;
  void put_receipt(const space::ReceiptRow& row) override;
  std::optional<space::ReceiptState> file_receipt(const Id& delivery, const Id& file) override;
  void put_file_receipt(const space::FileReceiptRow& row) override;
  space::FileReceiptCounts count_file_receipts(const Id& delivery) override;

 protected:
  bool ok() const { return !failed_; }
  void lock_space(const Guid& guid);
  void lock_space_of(const char* sql, const Id& thing);  // `sql`: gives its guid
  // What was read, or nothing and the transaction fails.
  template <class T>
  T known(Result<T> read) {
    if (read) return std::move(*read);
    failed_ = true;
    return T();
  }
  void refuse(Error error) {
    refusal_ = std::move(error);
    failed_ = true;
  }
  void fail_unless(bool done) { failed_ = failed_ || !done; }
  void run(Statement& statement) { (void)changes(statement); }
  std::uint64_t changes(Statement& statement);  // runs it: how many rows it has changed
  void note(const Statement& statement) { failed_ = failed_ || statement.failed(); }
  void locked(const Guid& guid, std::int64_t xid);

  Connection& connection_;
  const Id node_;

 private:
  void take_lock(Statement& statement);

  std::set<Guid> locked_;  // that are there
  std::int64_t xid_ = 0;
  bool failed_ = false;
  std::optional<Error> refusal_;
};

}  // namespace qrx::pg
