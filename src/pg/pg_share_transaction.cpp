#include "pg/pg_share_transaction.h"

#include "pg/pg_reading.h"

namespace qrx::pg {
namespace {

using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;

constexpr const char* space_of_share = "SELECT guid FROM shares WHERE share=?";
constexpr const char* space_of_delivery = "SELECT guid FROM deliveries WHERE delivery=?";
constexpr const char* space_of_notice = "SELECT guid FROM outbox WHERE share=?";

}  // namespace

void PgShareTransaction::locked(const Guid& guid, std::int64_t xid) {
  locked_.insert(guid);
  xid_ = xid;
}

void PgShareTransaction::take_lock(Statement& statement) {
  if (statement.step()) {
    const Guid guid = store::to_id(statement.next_blob());
    locked(guid, statement.next_signed_number());
  }
  note(statement);
}

// With the number of the transaction, for it is asked for anyway (PgTransaction::number). A space that is not there
// locks nothing, and the work finds nothing.
void PgShareTransaction::lock_space(const Guid& guid) {
  if (!ok() || locked_.contains(guid)) return;
  Statement statement =
      by_id(connection_, "SELECT guid,pg_current_xact_id() FROM spaces WHERE guid=? FOR UPDATE", guid);
  take_lock(statement);
}

void PgShareTransaction::lock_space_of(const char* sql, const Id& thing) {
  // A work is about one space, and that is locked: no second lock, so no deadlock.
  if (!ok() || !locked_.empty()) return;
  const std::string whole =
      std::string("SELECT guid,pg_current_xact_id() FROM spaces WHERE guid=(") + sql + ") FOR UPDATE";
  Statement statement = by_id(connection_, whole.c_str(), thing);
  take_lock(statement);
}

std::uint64_t PgShareTransaction::changes(Statement& statement) {
  if (!ok()) return 0;
  const std::uint64_t changed = statement.changes();
  note(statement);
  return changed;
}

std::optional<ShareRow> PgShareTransaction::share(const Id& share) {
  lock_space_of(space_of_share, share);
  if (!ok()) return std::nullopt;
  return known(read_share(connection_, share));
}

// By shares_by_space: all shares of the space are looked through, a few thousand at most.
std::vector<ShareRow> PgShareTransaction::shares_to(const Guid& guid, const std::string& to) {
  lock_space(guid);
  if (!ok()) return {};
  // By the index shares_by_recipient.
  Statement statement =
      connection_.prepare("SELECT " QRX_SHARE_COLUMNS
                          " FROM shares WHERE guid=?1 AND sha256(recipient)=sha256(?2) AND recipient=?2 "
                          "ORDER BY number DESC");
  statement.blob(as_bytes(guid.bytes)).text(to);
  return known(take_all(connection_, std::move(statement), store::take_share<Statement>));
}

space::Transaction::ShareCounts PgShareTransaction::count_shares(const Guid& guid) {
  lock_space(guid);
  ShareCounts counts;
  if (!ok()) return counts;
  Statement statement =
      by_id(connection_, "SELECT count(*),count(*) FILTER (WHERE revoked=0) FROM shares WHERE guid=?", guid);
  if (statement.step()) {
    counts.all = statement.next_number();
    counts.live = statement.next_number();
  }
  note(statement);
  return counts;
}

void PgShareTransaction::put_share(const ShareRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO shares(" QRX_SHARE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(share) DO UPDATE SET "
      "message=excluded.message,expires=excluded.expires,notice=excluded.notice,noticed=excluded.noticed,"
      "progress=excluded.progress,revoked=excluded.revoked,files_taken=excluded.files_taken,history=excluded.history");
  const std::string history = store::to_lines(row.history);
  store::bind_share(statement, row, history);
  run(statement);
}

std::optional<ShareFileRow> PgShareTransaction::share_file(const Id& share, const Id& file) {
  lock_space_of(space_of_share, share);
  if (!ok()) return std::nullopt;
  return known(read_share_file(connection_, share, file));
}

void PgShareTransaction::put_share_file(const ShareFileRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO share_files(" QRX_SHARE_FILE_COLUMNS
      ") VALUES(?,?,?,?,?) ON CONFLICT(share,file) DO UPDATE SET taken=excluded.taken,parts=excluded.parts");
  store::bind_share_file(statement, row);
  run(statement);
}

// What `until` says holds where nobody knows which nodes live.
std::vector<space::TransferLease> PgShareTransaction::leases(const Id& share, const Id& file, WallTime) {
  lock_space_of(space_of_share, share);
  if (!ok()) return {};
  Statement statement = connection_.prepare("SELECT " QRX_LEASE_COLUMNS
                                            " FROM flights WHERE share=? AND file=? AND " QRX_ALIVE("flights.node"));
  statement.blob(as_bytes(share.bytes)).blob(as_bytes(file.bytes));
  return known(take_all(connection_, std::move(statement), store::take_lease<Statement>));
}

void PgShareTransaction::put_lease(const space::TransferLease& row) {
  lock_space_of(space_of_share, row.share);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO flights(" QRX_LEASE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?) "
      "ON CONFLICT(flight) DO UPDATE SET first=excluded.first,bytes=excluded.bytes,until=excluded.until");
  space::TransferLease ours = row;
  // By the id of this node in the table of nodes, not that of the rules (Context::node), which nobody can look up
  // there.
  ours.node = node_;
  store::bind_lease(statement, ours);
  run(statement);
}

// By its primary key, without the lock of the space: that something is no longer on its way refuses nobody.
void PgShareTransaction::remove_lease(const Id& lease) {
  if (!ok()) return;
  Statement statement = by_id(connection_, "DELETE FROM flights WHERE flight=?", lease);
  run(statement);
}

// Those of live nodes stay, without being renewed.
void PgShareTransaction::renew_leases(const Id&, WallTime, WallTime) {
  if (!ok()) return;
  Statement over = connection_.prepare("DELETE FROM flights WHERE NOT " QRX_ALIVE("flights.node"));
  run(over);
  // Rows of nodes that ended without a word. One whose claim is open stays until that is ended
  // (ShareNotices::end_stale_claims).
  Statement gone = connection_.prepare(
      "DELETE FROM nodes n WHERE seen<clock_timestamp()-interval '1 day' AND "
      "NOT EXISTS (SELECT 1 FROM outbox o WHERE o.claimed=n.node)");
  run(gone);
}

std::optional<NoticeRow> PgShareTransaction::notice(const Id& share) {
  lock_space_of(space_of_notice, share);
  if (!ok()) return std::nullopt;
  return known(take_one(
      connection_, by_id(connection_, "SELECT " QRX_NOTICE_COLUMNS " FROM outbox WHERE share=?", share), take_notice));
}

void PgShareTransaction::put_notice(const NoticeRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO outbox(" QRX_NOTICE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(share) DO UPDATE SET "
      "transport=excluded.transport,token=excluded.token,key=excluded.key,created=excluded.created,due=excluded.due,"
      "attempts=excluded.attempts,claimed=excluded.claimed");
  store::bind_notice(statement, row);
  // Whose claim it is: should this node end, the others see that its claims are nobody's (PgCatalog::claimed_notices).
  row.claimed ? statement.blob(as_bytes(node_.bytes)) : statement.null();
  run(statement);
}

void PgShareTransaction::remove_notice(const Id& share) {
  lock_space_of(space_of_notice, share);
  if (!ok()) return;
  // Its secrets stay in a dead row until vacuum: an UPDATE, as SQLite has it, would only leave another one.
  Statement statement = by_id(connection_, "DELETE FROM outbox WHERE share=?", share);
  run(statement);
}

// Takes the lock of a count, which spaces share, after that of the space. All works count in the same order
// (ShareNotices::queue).
std::uint64_t PgShareTransaction::count(std::uint64_t day, const std::string& name, std::uint64_t more) {
  if (!ok()) return 0;
  Statement forget = connection_.prepare("DELETE FROM notice_counts WHERE day<?");
  forget.number(day);
  run(forget);
  if (!ok()) return 0;
  Statement statement = connection_.prepare(
      "INSERT INTO notice_counts(day,name,count) VALUES(?,?,?) "
      "ON CONFLICT(day,name) DO UPDATE SET count=notice_counts.count+excluded.count RETURNING count");
  statement.number(day).text(name).number(more);
  const std::uint64_t sum = statement.step() ? statement.next_number() : 0;
  note(statement);
  return sum;
}

std::optional<space::ReceiptRow> PgShareTransaction::receipt(const Id& delivery) {
  lock_space_of(space_of_delivery, delivery);
  if (!ok()) return std::nullopt;
  return known(read_receipt(connection_, delivery));
}

void PgShareTransaction::put_receipt(const space::ReceiptRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO receipts(" QRX_RECEIPT_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(delivery) DO UPDATE SET version=excluded.version,rest=excluded.rest,"
      "saved=excluded.saved,declined=excluded.declined,kept=excluded.kept,missing=excluded.missing,at=excluded.at");
  store::bind_receipt(statement, row);
  run(statement);
}

std::optional<space::ReceiptState> PgShareTransaction::file_receipt(const Id& delivery, const Id& file) {
  lock_space_of(space_of_delivery, delivery);
  if (!ok()) return std::nullopt;
  const auto row = known(read_file_receipt(connection_, delivery, file));
  return row ? std::optional(row->state) : std::nullopt;
}

void PgShareTransaction::put_file_receipt(const space::FileReceiptRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement =
      connection_.prepare("INSERT INTO file_receipts(" QRX_FILE_RECEIPT_COLUMNS
                          ") VALUES(?,?,?,?) ON CONFLICT(delivery,file) DO UPDATE SET state=excluded.state");
  store::bind_file_receipt(statement, row);
  run(statement);
}

space::FileReceiptCounts PgShareTransaction::count_file_receipts(const Id& delivery) {
  lock_space_of(space_of_delivery, delivery);
  space::FileReceiptCounts counts{};
  if (!ok()) return counts;
  Statement statement =
      by_id(connection_, "SELECT state,count(*) FROM file_receipts WHERE delivery=? GROUP BY state", delivery);
  while (statement.step()) {
    const std::uint64_t state = statement.next_number();
    const std::uint64_t files = statement.next_number();
    if (state < counts.size()) counts[state] = files;
  }
  note(statement);
  return counts;
}

}  // namespace qrx::pg
