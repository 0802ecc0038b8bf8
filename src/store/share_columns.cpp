#include "store/share_columns.h"

#include <charconv>

#include "store/columns.h"

namespace qrx::store {
namespace {

using space::FlightRow;
using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;
using wire::ShareEvent;
using wire::ShareState;

#define SHARE_COLUMNS \
  "share,guid,link_hash,recipient,message,most,created,expires,notice,noticed,progress,revoked,files_taken,history"
#define SHARE_FILE_COLUMNS "share,file,guid,taken,parts"
#define NOTICE_COLUMNS "share,guid,transport,token,key,created,due,attempts,claimed"

// One line an event: state, time, reason. Reasons have no line ends.
std::string to_lines(const std::vector<ShareEvent>& history) {
  std::string out;
  for (const ShareEvent& event : history) {
    out += std::string(to_text(event.state)) + ' ' + std::to_string(to_number(event.at)) + ' ' + event.reason;
    out += '\n';
  }
  return out;
}

std::vector<ShareEvent> from_lines(std::string_view text) {
  std::vector<ShareEvent> history;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    if (second == std::string_view::npos) continue;
    const auto state = wire::share_state_from_text(line.substr(0, first));
    std::int64_t at = 0;
    std::from_chars(line.data() + first + 1, line.data() + second, at);
    if (state) history.push_back({*state, to_time(at), std::string(line.substr(second + 1))});
  }
  return history;
}

// As in rows.cpp, columns in the order of the SELECTs, enumerations by their numbers.
ShareRow take_share(Statement& row) {
  ShareRow out;
  out.share = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.link_hash = to_array<Sha256Sum>(row.next_blob());
  out.to = row.next_text();
  out.message = row.next_text();
  out.limit = row.next_number();
  out.created = to_time(row.next_signed_number());
  out.expires = next_optional_time(row);
  out.notice = static_cast<ShareState>(row.next_number());
  out.noticed = to_time(row.next_signed_number());
  out.progress = static_cast<space::Progress>(row.next_number());
  out.revoked = row.next_number() != 0;
  out.files_taken = row.next_number();
  out.history = from_lines(row.next_text());
  return out;
}

ShareFileRow take_share_file(Statement& row) {
  ShareFileRow out;
  out.share = to_id(row.next_blob());
  out.file = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.taken = row.next_number();
  out.parts = row.next_text();
  return out;
}

FlightRow take_flight(Statement& row) {
  FlightRow out;
  out.flight = to_id(row.next_blob());
  out.share = to_id(row.next_blob());
  out.file = to_id(row.next_blob());
  out.node = to_id(row.next_blob());
  out.first = row.next_number();
  out.bytes = row.next_number();
  out.until = to_time(row.next_signed_number());
  return out;
}

NoticeRow take_notice(Statement& row) {
  NoticeRow out;
  out.share = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.transport = row.next_text();
  out.token = row.next_text();
  out.key = row.next_text();
  out.created = to_time(row.next_signed_number());
  out.due = to_time(row.next_signed_number());
  out.attempts = row.next_number();
  out.claimed = row.next_number() != 0;
  return out;
}

}  // namespace

static_assert(static_cast<int>(ShareState::sending) == 1, "an index of the schema names it by its number");

// What never changes of a share (whose it is, its link, its limits) is only ever inserted.
int write_share(Connection& connection, const ShareRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO shares(" SHARE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(share) DO UPDATE SET "
      "notice=excluded.notice,noticed=excluded.noticed,progress=excluded.progress,revoked=excluded.revoked,"
      "files_taken=excluded.files_taken,history=excluded.history");
  const std::string history = to_lines(row.history);
  statement.blob(as_bytes(row.share.bytes)).blob(as_bytes(row.guid.bytes)).blob(as_bytes(row.link_hash));
  statement.text(row.to).text(row.message).number(row.limit).signed_number(to_number(row.created));
  bind_time(statement, row.expires);
  statement.number(static_cast<std::uint64_t>(row.notice)).signed_number(to_number(row.noticed));
  statement.number(static_cast<std::uint64_t>(row.progress)).number(row.revoked ? 1 : 0).number(row.files_taken);
  statement.text(history);
  return run(statement);
}

int write_share_file(Connection& connection, const ShareFileRow& row) {
  Statement statement = connection.prepare("INSERT INTO share_files(" SHARE_FILE_COLUMNS
                                           ") VALUES(?,?,?,?,?) ON CONFLICT(share,file) DO UPDATE SET "
                                           "taken=excluded.taken,parts=excluded.parts");
  statement.blob(as_bytes(row.share.bytes)).blob(as_bytes(row.file.bytes)).blob(as_bytes(row.guid.bytes));
  statement.number(row.taken).text(row.parts);
  return run(statement);
}

int write_notice(Connection& connection, const NoticeRow& row) {
  Statement statement = connection.prepare("INSERT INTO outbox(" NOTICE_COLUMNS
                                           ") VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(share) DO UPDATE SET "
                                           "transport=excluded.transport,token=excluded.token,key=excluded.key,"
                                           "created=excluded.created,due=excluded.due,attempts=excluded.attempts,"
                                           "claimed=excluded.claimed");
  statement.blob(as_bytes(row.share.bytes)).blob(as_bytes(row.guid.bytes)).text(row.transport);
  statement.text(row.token).text(row.key).signed_number(to_number(row.created)).signed_number(to_number(row.due));
  statement.number(row.attempts).number(row.claimed ? 1 : 0);
  return run(statement);
}

Result<std::optional<ShareRow>> read_share(Connection& connection, const Id& share) {
  return take_one(by_id(connection, "SELECT " SHARE_COLUMNS " FROM shares WHERE share=?", share), take_share);
}

Result<std::optional<ShareRow>> read_share_of_link(Connection& connection, const Sha256Sum& link_hash) {
  Statement statement = connection.prepare("SELECT " SHARE_COLUMNS " FROM shares WHERE link_hash=?");
  statement.blob(as_bytes(link_hash));
  return take_one(std::move(statement), take_share);
}

Result<space::SharePage> read_shares(Connection& connection, const Guid& guid, std::uint64_t next,
                                     const space::SharePageSize& most) {
  Statement statement =
      connection.prepare("SELECT number," SHARE_COLUMNS " FROM shares WHERE guid=? AND number>? ORDER BY number");
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

Result<std::vector<ShareRow>> read_shares_to(Connection& connection, const Guid& guid, const std::string& to) {
  Statement statement =
      connection.prepare("SELECT " SHARE_COLUMNS " FROM shares WHERE guid=? AND recipient=? ORDER BY number DESC");
  statement.blob(as_bytes(guid.bytes)).text(to);
  return take_all(std::move(statement), take_share);
}

Result<std::optional<ShareFileRow>> read_share_file(Connection& connection, const Id& share, const Id& file) {
  Statement statement = connection.prepare("SELECT " SHARE_FILE_COLUMNS " FROM share_files WHERE share=? AND file=?");
  statement.blob(as_bytes(share.bytes)).blob(as_bytes(file.bytes));
  return take_one(std::move(statement), take_share_file);
}

int write_flight(Connection& connection, const FlightRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO flights(flight,share,file,node,first,bytes,until) VALUES(?,?,?,?,?,?,?) "
      "ON CONFLICT(flight) DO UPDATE SET first=excluded.first,bytes=excluded.bytes,until=excluded.until");
  statement.blob(as_bytes(row.flight.bytes)).blob(as_bytes(row.share.bytes)).blob(as_bytes(row.file.bytes));
  statement.blob(as_bytes(row.node.bytes)).number(row.first).number(row.bytes).signed_number(to_number(row.until));
  return run(statement);
}

Result<std::vector<FlightRow>> read_flights(Connection& connection, const Id& share, const Id& file, WallTime now) {
  Statement statement = connection.prepare(
      "SELECT flight,share,file,node,first,bytes,until FROM flights WHERE share=? AND file=? AND until>?");
  statement.blob(as_bytes(share.bytes)).blob(as_bytes(file.bytes)).signed_number(to_number(now));
  return take_all(std::move(statement), take_flight);
}

Result<std::vector<ShareFileRow>> read_share_files(Connection& connection, const Id& share) {
  return take_all(by_id(connection, "SELECT " SHARE_FILE_COLUMNS " FROM share_files WHERE share=?", share),
                  take_share_file);
}

Result<std::optional<NoticeRow>> read_notice(Connection& connection, const Id& share) {
  return take_one(by_id(connection, "SELECT " NOTICE_COLUMNS " FROM outbox WHERE share=?", share), take_notice);
}

// Names of transports have no blanks, so that " mail " is found in " mail exec.x " and never in a part of a name.
Result<std::optional<NoticeRow>> read_next_notice(Connection& connection, const std::string& busy) {
  Statement statement =
      connection.prepare("SELECT " NOTICE_COLUMNS
                         " FROM outbox WHERE claimed=0 AND instr(?,' '||transport||' ')=0 ORDER BY due,number LIMIT 1");
  statement.text(busy);
  return take_one(std::move(statement), take_notice);
}

Result<std::vector<NoticeRow>> read_claimed_notices(Connection& connection) {
  return take_all(connection.prepare("SELECT " NOTICE_COLUMNS " FROM outbox WHERE claimed=1"), take_notice);
}

}  // namespace qrx::store
