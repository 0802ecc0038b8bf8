#include "store/sqlite_transaction.h"

#include <algorithm>

#include "store/columns.h"
#include "store/rows.h"
#include "store/share_columns.h"

namespace qrx::store {
namespace {

using space::DeliveryRow;
using space::FileRow;
using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;
using space::SpaceRow;
using space::SpaceState;
using space::UploadRow;

template <class Row, class Id>
void put(std::vector<Row>& rows, const Row& row, Id Row::*id) {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Row& other) { return other.*id == row.*id; });
  if (found == rows.end())
    rows.push_back(row);
  else
    *found = row;
}

template <class Row, class Key>
void erase(std::vector<Row>& rows, const Key& key, Key Row::*id) {
  rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const Row& row) { return row.*id == key; }), rows.end());
}

}  // namespace

std::optional<SpaceState> SqliteTransaction::space(const Guid& guid) {
  auto state = read_space(connection_, guid);
  if (state) return std::move(*state);
  note(connection_.extended_code());
  return std::nullopt;
}

void SqliteTransaction::put_space(const SpaceRow& row) {
  if (ok()) note(write_space(connection_, row));
  log_.add(row.guid, [row](SpaceState& state) { state.space = row; });
}

void SqliteTransaction::put_delivery(const DeliveryRow& row) {
  if (ok()) note(write_delivery(connection_, row));
  log_.add(row.guid, [row](SpaceState& state) { put(state.deliveries, row, &DeliveryRow::delivery); });
}

void SqliteTransaction::put_file(const FileRow& row) {
  if (ok()) note(write_file(connection_, row));
  log_.add(row.guid, [row](SpaceState& state) { put(state.files, row, &FileRow::file); });
}

void SqliteTransaction::put_upload(const UploadRow& row) {
  if (ok()) note(write_upload(connection_, row));
  log_.add(row.guid, [row](SpaceState& state) { put(state.uploads, row, &UploadRow::upload); });
}

bool SqliteTransaction::advance_upload(const Id& upload, std::uint64_t epoch, std::uint64_t offset) {
  if (!ok()) return false;
  Statement statement = connection_.prepare("UPDATE uploads SET offset=? WHERE upload=? AND epoch=? RETURNING guid");
  statement.number(offset).blob(as_bytes(upload.bytes)).number(epoch);
  const auto guid = changed(statement);
  if (!guid) return false;
  log_.add(*guid, [upload, offset](SpaceState& state) {
    for (UploadRow& row : state.uploads)
      if (row.upload == upload) row.offset = offset;
  });
  return true;
}

void SqliteTransaction::remove_upload(const Id& upload) {
  const auto guid = remove("DELETE FROM uploads WHERE upload=? RETURNING guid", upload);
  if (guid) log_.add(*guid, [upload](SpaceState& state) { erase(state.uploads, upload, &UploadRow::upload); });
}

void SqliteTransaction::remove_file(const Id& file) {
  const auto guid = remove("DELETE FROM files WHERE file=? RETURNING guid", file);
  if (guid) log_.add(*guid, [file](SpaceState& state) { erase(state.files, file, &FileRow::file); });
}

void SqliteTransaction::remove_delivery(const Id& delivery) {
  const auto guid = remove("DELETE FROM deliveries WHERE delivery=? RETURNING guid", delivery);
  if (!guid) return;
  for (const char* sql :
       {"DELETE FROM files WHERE guid=? AND delivery=?", "DELETE FROM uploads WHERE guid=? AND delivery=?"}) {
    if (!ok()) return;
    Statement statement = connection_.prepare(sql);
    statement.blob(as_bytes(guid->bytes)).blob(as_bytes(delivery.bytes)).step();
    note(statement.code());
  }
  log_.add(*guid, [delivery](SpaceState& state) {
    erase(state.deliveries, delivery, &DeliveryRow::delivery);
    erase(state.files, delivery, &FileRow::delivery);
    erase(state.uploads, delivery, &UploadRow::delivery);
  });
}

void SqliteTransaction::remove_space(const Guid& guid) {
  for (const char* sql :
       {"DELETE FROM spaces WHERE guid=?", "DELETE FROM deliveries WHERE guid=?", "DELETE FROM files WHERE guid=?",
        "DELETE FROM uploads WHERE guid=?", "DELETE FROM share_files WHERE guid=?", "DELETE FROM shares WHERE guid=?",
        "UPDATE outbox SET token='',key='' WHERE guid=?", "DELETE FROM outbox WHERE guid=?"}) {
    if (!ok()) return;
    Statement statement = connection_.prepare(sql);
    statement.blob(as_bytes(guid.bytes)).step();
    note(statement.code());
  }
  log_.add(guid, nullptr);
}

void SqliteTransaction::remember(const std::string& name, const std::string& value) {
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO notes(name,value) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value=excluded.value");
  statement.text(name).text(value).step();
  note(statement.code());
}

std::optional<ShareRow> SqliteTransaction::share(const Id& share) {
  return known(read_share(connection_, share));
}

std::vector<ShareRow> SqliteTransaction::shares_to(const Guid& guid, const std::string& to) {
  return known(read_shares_to(connection_, guid, to));
}

space::Transaction::ShareCounts SqliteTransaction::count_shares(const Guid& guid) {
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

void SqliteTransaction::put_share(const ShareRow& row) {
  if (ok()) note(write_share(connection_, row));
}

std::optional<ShareFileRow> SqliteTransaction::share_file(const Id& share, const Id& file) {
  return known(read_share_file(connection_, share, file));
}

void SqliteTransaction::put_share_file(const ShareFileRow& row) {
  if (ok()) note(write_share_file(connection_, row));
}

std::optional<NoticeRow> SqliteTransaction::notice(const Id& share) {
  return known(read_notice(connection_, share));
}

void SqliteTransaction::put_notice(const NoticeRow& row) {
  if (ok()) note(write_notice(connection_, row));
}

void SqliteTransaction::remove_notice(const Id& share) {
  // secure_delete=FAST wipes within pages that are written anyway: the row's page is, by the update.
  for (const char* sql : {"UPDATE outbox SET token='',key='' WHERE share=?", "DELETE FROM outbox WHERE share=?"}) {
    if (!ok()) return;
    Statement statement = connection_.prepare(sql);
    statement.blob(as_bytes(share.bytes)).step();
    note(statement.code());
  }
}

std::uint64_t SqliteTransaction::count(std::uint64_t day, const std::string& name, std::uint64_t more) {
  if (!ok()) return 0;
  std::uint64_t sum = 0;
  {
    Statement forget = connection_.prepare("DELETE FROM notice_counts WHERE day<?");
    forget.number(day).step();
    note(forget.code());
  }
  if (!ok()) return 0;
  Statement statement = connection_.prepare(
      "INSERT INTO notice_counts(day,name,count) VALUES(?,?,?) "
      "ON CONFLICT(day,name) DO UPDATE SET count=count+excluded.count RETURNING count");
  statement.number(day).text(name).number(more);
  while (statement.step()) sum = statement.next_number();
  note(statement.code());
  return sum;
}

std::optional<Guid> SqliteTransaction::changed(Statement& statement) {
  std::optional<Guid> guid;
  while (statement.step()) guid = to_id(statement.next_blob());
  note(statement.code());
  return guid;
}

std::optional<Guid> SqliteTransaction::remove(const char* sql, const Id& id) {
  if (!ok()) return std::nullopt;
  Statement statement = connection_.prepare(sql);
  statement.blob(as_bytes(id.bytes));
  return changed(statement);
}

}  // namespace qrx::store
