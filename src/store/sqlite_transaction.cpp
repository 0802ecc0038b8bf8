#include "store/sqlite_transaction.h"

#include <algorithm>

#include "store/columns.h"
#include "store/rows.h"

namespace qrx::store {
namespace {

using space::BlobKey;
using space::DeliveryRow;
using space::FileRow;
using space::SpaceRow;
using space::SpaceState;
using space::UploadRow;

// What each write does to the database, its edit in the log does to the copy in the cache, once all is committed: both
// are changed together here or not at all.
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
  // Nor does the statement touch what is counted: only change_space() and what removes rows do.
  log_.add(row.guid, [row](SpaceState& state) {
    const space::Use use = state.space.use;
    state.space = row;
    state.space.use = use;
  });
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

space::SpaceChanged SqliteTransaction::change_space(const Guid& guid, const space::SpaceChange& change) {
  space::SpaceChanged out;
  if (!ok()) return out;
  note(write_change(connection_, guid, change, out));
  if (out.taken == space::Taken::yes)
    log_.add(guid, [head = out.head](SpaceState& state) {
      state.space.seq = head.seq;
      state.space.expires = head.expires;
      state.space.phase = head.phase;
      state.space.use = head.use;
    });
  return out;
}

std::optional<UploadRow> SqliteTransaction::upload(const Id& upload) {
  return known(read_upload(connection_, upload));
}

std::optional<space::OpenDelivery> SqliteTransaction::open_delivery(const Id& delivery) {
  return known(read_open_delivery(connection_, delivery));
}

// The conditions of the statements on uploads are how nodes and requests keep from writing over each other: a writer
// whose epoch or offset is not that of the row has lost the upload to another one, and changes nothing.
bool SqliteTransaction::advance_upload(const UploadRow& row, std::uint64_t offset) {
  if (!ok()) return false;
  Statement statement = connection_.prepare(
      "UPDATE uploads SET offset=?,expires=?,holder=?,blob=?,spare=NULL WHERE upload=? AND epoch=? AND offset=?");
  statement.number(offset).signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  statement.blob(as_bytes(row.blob.bytes)).blob(as_bytes(row.upload.bytes)).number(row.epoch).number(row.offset);
  if (!changes(statement)) return false;
  log_.add(row.guid, [row, offset](SpaceState& state) {
    for (UploadRow& one : state.uploads) {
      if (one.upload != row.upload) continue;
      one.offset = offset;
      one.expires = row.expires;
      one.holder = row.holder;
      one.blob = row.blob;
      one.spare = {};
    }
  });
  return true;
}

bool SqliteTransaction::change_upload(const UploadRow& row) {
  if (!ok()) return false;
  Statement statement =
      connection_.prepare("UPDATE uploads SET length=?,damaged=?,expires=?,holder=? WHERE upload=? AND epoch=?");
  row.length ? statement.number(*row.length) : statement.null();
  statement.number(row.damaged ? 1 : 0).signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  statement.blob(as_bytes(row.upload.bytes)).number(row.epoch);
  if (!changes(statement)) return false;
  log_.add(row.guid, [row](SpaceState& state) {
    for (UploadRow& one : state.uploads) {
      if (one.upload != row.upload) continue;
      one.length = row.length;
      one.damaged = row.damaged;
      one.expires = row.expires;
      one.holder = row.holder;
    }
  });
  return true;
}

std::optional<std::uint64_t> SqliteTransaction::begin_writing(const UploadRow& row) {
  if (!ok()) return std::nullopt;
  Statement statement = connection_.prepare(
      "UPDATE uploads SET epoch=epoch+1,expires=?,holder=?,spare=? WHERE upload=? AND offset=? RETURNING epoch");
  statement.signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  bind_optional_id(statement, row.spare);
  statement.blob(as_bytes(row.upload.bytes)).number(row.offset);
  const auto epoch = changed(statement);
  if (epoch)
    log_.add(row.guid, [row, epoch = *epoch](SpaceState& state) {
      for (UploadRow& one : state.uploads) {
        if (one.upload != row.upload) continue;
        one.epoch = epoch;
        one.expires = row.expires;
        one.holder = row.holder;
        one.spare = row.spare;
      }
    });
  return epoch;
}

// The epoch is checked by the deletion itself: of two writers that believe to have completed it, one makes the file.
std::optional<std::uint64_t> SqliteTransaction::finish_upload(const UploadRow& row) {
  if (!ok()) return std::nullopt;
  std::optional<std::uint64_t> offset;
  BlobKey blob{}, spare{};
  {
    Statement statement =
        connection_.prepare("DELETE FROM uploads WHERE upload=? AND epoch=? RETURNING offset,blob,spare");
    statement.blob(as_bytes(row.upload.bytes)).number(row.epoch);
    while (statement.step()) {
      offset = statement.next_number();
      blob = to_id(statement.next_blob());
      spare = next_optional_id(statement);
    }
    note(statement.code());
  }
  if (!offset) return offset;
  // Of the two blobs that a takeover leaves, the file keeps the one that its last writer has written.
  log_.add(row.guid, [upload = row.upload](SpaceState& state) { erase(state.uploads, upload, &UploadRow::upload); });
  for (const BlobKey& other : {blob, spare})
    if (other != row.blob && other != BlobKey()) discard(other);
  return offset;
}

// The condition makes it once: a second commit, or one after the deletion, finds no open row.
bool SqliteTransaction::commit_delivery(const DeliveryRow& row) {
  if (!ok()) return false;
  Statement statement =
      connection_.prepare("UPDATE deliveries SET message=?,committed=? WHERE delivery=? AND committed IS NULL");
  statement.text(row.message);
  bind_time(statement, row.committed);
  statement.blob(as_bytes(row.delivery.bytes));
  if (!changes(statement)) return false;
  log_.add(row.guid, [row](SpaceState& state) { put(state.deliveries, row, &DeliveryRow::delivery); });
  return true;
}

std::uint64_t SqliteTransaction::committed_deliveries(const Guid& guid) {
  if (!ok()) return 0;
  Statement statement =
      by_id(connection_, "SELECT count(*) FROM deliveries WHERE guid=? AND committed IS NOT NULL", guid);
  const std::uint64_t count = statement.step() ? statement.next_number() : 0;
  note(statement.code());
  return count;
}

void SqliteTransaction::remember(const std::string& name, const std::string& value) {
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO notes(name,value) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value=excluded.value");
  statement.text(name).text(value).step();
  note(statement.code());
}

bool SqliteTransaction::changes(Statement& statement) {
  statement.step();
  note(statement.code());
  // An UPDATE that matches no row is no error: somebody else was first.
  return !statement.failed() && connection_.changes() > 0;
}

std::optional<std::uint64_t> SqliteTransaction::changed(Statement& statement) {
  std::optional<std::uint64_t> number;
  while (statement.step()) number = statement.next_number();
  note(statement.code());
  return number;
}

}  // namespace qrx::store
