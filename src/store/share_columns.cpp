#include "store/share_columns.h"

#include "store/columns.h"
#include "store/share_fields.h"

namespace qrx::store {
namespace {

using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;
using space::TransferLease;
using wire::ShareEvent;

// The last column by itself.
NoticeRow take_whole_notice(Statement& row) {
  NoticeRow out = take_notice(row);
  out.claimed = row.next_number() != 0;
  return out;
}

}  // namespace

// What never changes of a share (whose it is, its link, its limits) is only ever inserted.
int write_share(Connection& connection, const ShareRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO shares(" QRX_SHARE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(share) DO UPDATE SET "
      "message=excluded.message,expires=excluded.expires,notice=excluded.notice,noticed=excluded.noticed,"
      "progress=excluded.progress,revoked=excluded.revoked,files_taken=excluded.files_taken,history=excluded.history");
  const std::string history = to_lines(row.history);
  bind_share(statement, row, history);
  return run(statement);
}

int write_share_file(Connection& connection, const ShareFileRow& row) {
  Statement statement = connection.prepare("INSERT INTO share_files(" QRX_SHARE_FILE_COLUMNS
                                           ") VALUES(?,?,?,?,?) ON CONFLICT(share,file) DO UPDATE SET "
                                           "taken=excluded.taken,parts=excluded.parts");
  bind_share_file(statement, row);
  return run(statement);
}

int write_notice(Connection& connection, const NoticeRow& row) {
  Statement statement = connection.prepare("INSERT INTO outbox(" QRX_NOTICE_COLUMNS
                                           ") VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(share) DO UPDATE SET "
                                           "transport=excluded.transport,token=excluded.token,key=excluded.key,"
                                           "created=excluded.created,due=excluded.due,attempts=excluded.attempts,"
                                           "claimed=excluded.claimed");
  bind_notice(statement, row);
  statement.number(row.claimed ? 1 : 0);
  return run(statement);
}

Result<std::optional<ShareRow>> read_share(Connection& connection, const Id& share) {
  return take_one(by_id(connection, "SELECT " QRX_SHARE_COLUMNS " FROM shares WHERE share=?", share),
                  take_share<Statement>);
}

Result<std::optional<ShareRow>> read_share_of_link(Connection& connection, const Sha256Sum& link_hash) {
  // By the UNIQUE index of the hash: how a link finds its share.
  Statement statement = connection.prepare("SELECT " QRX_SHARE_COLUMNS " FROM shares WHERE link_hash=?");
  statement.blob(as_bytes(link_hash));
  return take_one(std::move(statement), take_share<Statement>);
}

// By shares_by_number, from where the last page ended.
Result<space::SharePage> read_shares(Connection& connection, const Guid& guid, std::uint64_t next,
                                     const space::SharePageSize& most) {
  Statement statement =
      connection.prepare("SELECT number," QRX_SHARE_COLUMNS " FROM shares WHERE guid=? AND number>? ORDER BY number");
  statement.blob(as_bytes(guid.bytes)).number(next);
  // A page has at least one share, however long its history, so that every page goes further.
  space::SharePage page;
  std::uint64_t bytes = 0, last = next;
  while (statement.step()) {
    if (!page.shares.empty() && (page.shares.size() >= most.shares || bytes >= most.bytes)) {
      page.next = last;
      return page;
    }
    last = statement.next_number();
    page.shares.push_back(take_share(statement));
    for (const ShareEvent& event : page.shares.back().history) bytes += event.reason.size();
  }
  if (statement.code() != SQLITE_OK) return fail_sqlite(statement.code(), reading);
  return page;
}

// By shares_by_space, which has the recipient in it.
Result<std::vector<ShareRow>> read_shares_to(Connection& connection, const Guid& guid, const std::string& to) {
  Statement statement =
      connection.prepare("SELECT " QRX_SHARE_COLUMNS " FROM shares WHERE guid=? AND recipient=? ORDER BY number DESC");
  statement.blob(as_bytes(guid.bytes)).text(to);
  return take_all(std::move(statement), take_share<Statement>);
}

Result<std::optional<ShareFileRow>> read_share_file(Connection& connection, const Id& share, const Id& file) {
  Statement statement =
      connection.prepare("SELECT " QRX_SHARE_FILE_COLUMNS " FROM share_files WHERE share=? AND file=?");
  statement.blob(as_bytes(share.bytes)).blob(as_bytes(file.bytes));
  return take_one(std::move(statement), take_share_file<Statement>);
}

int write_lease(Connection& connection, const TransferLease& row) {
  Statement statement = connection.prepare(
      "INSERT INTO flights(" QRX_LEASE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?) "
      "ON CONFLICT(flight) DO UPDATE SET first=excluded.first,bytes=excluded.bytes,until=excluded.until");
  bind_lease(statement, row);
  return run(statement);
}

// Of many nodes only: with this catalog there is one, and nothing in the table.
Result<std::vector<TransferLease>> read_leases(Connection& connection, const Id& share, const Id& file, WallTime now) {
  Statement statement =
      connection.prepare("SELECT " QRX_LEASE_COLUMNS " FROM flights WHERE share=? AND file=? AND until>?");
  statement.blob(as_bytes(share.bytes)).blob(as_bytes(file.bytes)).signed_number(to_number(now));
  return take_all(std::move(statement), take_lease<Statement>);
}

Result<std::vector<ShareFileRow>> read_share_files(Connection& connection, const Id& share) {
  return take_all(by_id(connection, "SELECT " QRX_SHARE_FILE_COLUMNS " FROM share_files WHERE share=?", share),
                  take_share_file<Statement>);
}

Result<std::optional<NoticeRow>> read_notice(Connection& connection, const Id& share) {
  return take_one(by_id(connection, "SELECT " QRX_NOTICE_COLUMNS " FROM outbox WHERE share=?", share),
                  take_whole_notice);
}

// Names of transports have no blanks, so that " mail " is found in " mail exec.x " and never in a part of a name. By
// outbox_by_due, from the earliest on.
Result<std::optional<NoticeRow>> read_next_notice(Connection& connection, const std::string& busy) {
  Statement statement =
      connection.prepare("SELECT " QRX_NOTICE_COLUMNS
                         " FROM outbox WHERE claimed=0 AND instr(?,' '||transport||' ')=0 ORDER BY due,number LIMIT 1");
  statement.text(busy);
  return take_one(std::move(statement), take_whole_notice);
}

Result<std::vector<NoticeRow>> read_claimed_notices(Connection& connection) {
  // The whole table: what is sent leaves it.
  return take_all(connection.prepare("SELECT " QRX_NOTICE_COLUMNS " FROM outbox WHERE claimed=1"), take_whole_notice);
}

}  // namespace qrx::store
