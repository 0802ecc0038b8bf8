#include "store/share_transaction.h"

#include "store/columns.h"
#include "store/share_columns.h"

namespace qrx::store {

using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;

std::optional<ShareRow> ShareTransaction::share(const Id& share) {
  return known(read_share(connection_, share));
}

std::vector<ShareRow> ShareTransaction::shares_to(const Guid& guid, const std::string& to) {
  return known(read_shares_to(connection_, guid, to));
}

// By shares_by_number: all shares of one space, a few thousand rows at most (ShareChanges::make).
space::Transaction::ShareCounts ShareTransaction::count_shares(const Guid& guid) {
  if (!ok()) return {};
  Statement statement = connection_.prepare("SELECT count(*), coalesce(sum(revoked=0),0) FROM shares WHERE guid=?");
  ShareCounts counts;
  if (statement.blob(as_bytes(guid.bytes)).step()) {
    counts.all = statement.next_number();
    counts.live = statement.next_number();
  }
  note(statement.code());
  return counts;
}

void ShareTransaction::put_share(const ShareRow& row) {
  if (ok()) note(write_share(connection_, row));
}

std::optional<ShareFileRow> ShareTransaction::share_file(const Id& share, const Id& file) {
  return known(read_share_file(connection_, share, file));
}

void ShareTransaction::put_share_file(const ShareFileRow& row) {
  if (ok()) note(write_share_file(connection_, row));
}

std::vector<space::TransferLease> ShareTransaction::leases(const Id& share, const Id& file, WallTime now) {
  return known(read_leases(connection_, share, file, now));
}

void ShareTransaction::put_lease(const space::TransferLease& row) {
  if (ok()) note(write_lease(connection_, row));
}

void ShareTransaction::remove_lease(const Id& lease) {
  if (!ok()) return;
  Statement statement = by_id(connection_, "DELETE FROM flights WHERE flight=?", lease);
  statement.step();
  note(statement.code());
}

// Of many nodes only. This catalog has one, and nothing in the table.
void ShareTransaction::renew_leases(const Id& node, WallTime now, WallTime until) {
  if (!ok()) return;
  {
    Statement own = connection_.prepare("UPDATE flights SET until=? WHERE node=?");
    own.signed_number(to_number(until)).blob(as_bytes(node.bytes)).step();
    note(own.code());
  }
  if (!ok()) return;
  Statement over = connection_.prepare("DELETE FROM flights WHERE until<=?");
  over.signed_number(to_number(now)).step();
  note(over.code());
}

std::optional<NoticeRow> ShareTransaction::notice(const Id& share) {
  return known(read_notice(connection_, share));
}

void ShareTransaction::put_notice(const NoticeRow& row) {
  if (ok()) note(write_notice(connection_, row));
}

void ShareTransaction::remove_notice(const Id& share) {
  // secure_delete=FAST wipes within pages that are written anyway: the row's page is, by the update.
  for (const char* sql : {"UPDATE outbox SET token='',key='' WHERE share=?", "DELETE FROM outbox WHERE share=?"}) {
    if (!ok()) return;
    Statement statement = connection_.prepare(sql);
    statement.blob(as_bytes(share.bytes)).step();
    note(statement.code());
  }
}

std::uint64_t ShareTransaction::count(std::uint64_t day, const std::string& name, std::uint64_t more) {
  if (!ok()) return 0;
  std::uint64_t sum = 0;
  {
    // By the primary key, which begins with the day: without older days it finds nothing at once.
    Statement forget = connection_.prepare("DELETE FROM notice_counts WHERE day<?");
    forget.number(day).step();
    note(forget.code());
  }
  if (!ok()) return 0;
  Statement statement = connection_.prepare(
      // Adds and reads in one statement; adding 0 only reads.
      "INSERT INTO notice_counts(day,name,count) VALUES(?,?,?) "
      "ON CONFLICT(day,name) DO UPDATE SET count=count+excluded.count RETURNING count");
  statement.number(day).text(name).number(more);
  while (statement.step()) sum = statement.next_number();
  note(statement.code());
  return sum;
}

}  // namespace qrx::store
