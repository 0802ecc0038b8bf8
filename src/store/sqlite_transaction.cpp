#include "store/sqlite_transaction.h"

#include <algorithm>

#include "store/columns.h"
#include "store/past_files.h"
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

void SqliteTransaction::give_back(const Guid& guid, const space::Use& less) {
  if (!ok() || less == space::Use{}) return;
  // Rows that were put and never counted make none negative.
  Statement statement = connection_.prepare(
      "UPDATE spaces SET bytes=max(0,bytes-?),files=max(0,files-?),manifests=max(0,manifests-?),parts=max(0,parts-?),"
      "texts=max(0,texts-?) WHERE guid=?");
  statement.number(less.bytes).number(less.weight.files).number(less.weight.manifests).number(less.weight.parts);
  statement.number(less.weight.texts).blob(as_bytes(guid.bytes)).step();
  note(statement.code());
  const auto take = [](std::uint64_t& from, std::uint64_t amount) { from -= std::min(from, amount); };
  log_.add(guid, [less, take](SpaceState& state) {
    take(state.space.use.bytes, less.bytes);
    take(state.space.use.weight.files, less.weight.files);
    take(state.space.use.weight.manifests, less.weight.manifests);
    take(state.space.use.weight.parts, less.weight.parts);
    take(state.space.use.weight.texts, less.weight.texts);
  });
}

// Blobs go into the trash with the transaction, and off the disk only after its commit: a crash in between loses no
// file that a row still names.
void SqliteTransaction::remove_uploads(Statement statement, std::vector<BlobKey>& blobs) {
  space::Use less;
  Guid guid;
  std::vector<std::pair<Id, BlobKey>> gone;
  while (statement.step()) {
    UploadRow row;
    guid = to_id(statement.next_blob());
    row.upload = to_id(statement.next_blob());
    row.blob = to_id(statement.next_blob());
    row.spare = next_optional_id(statement);
    row.name = statement.next_text();
    row.partial = statement.next_number() != 0;
    const std::uint64_t offset = statement.next_number();
    less.bytes += offset;
    // Of one without a byte only the announcement was counted, in memory.
    if (offset > 0) less.weight += weight_of(row);
    gone.emplace_back(row.upload, row.blob);
    if (row.spare != BlobKey()) gone.emplace_back(row.upload, row.spare);
  }
  note(statement.code());
  for (const auto& [upload, blob] : gone) {
    discard(blob);
    blobs.push_back(blob);
    log_.add(guid, [upload = upload](SpaceState& state) { erase(state.uploads, upload, &UploadRow::upload); });
  }
  give_back(guid, less);
}

void SqliteTransaction::remove_files(Statement statement, std::vector<BlobKey>& blobs, bool blobs_stay) {
  space::Use less;
  Guid guid;
  std::vector<std::pair<Id, BlobKey>> gone;
  while (statement.step()) {
    guid = to_id(statement.next_blob());
    const Id file = to_id(statement.next_blob());
    gone.emplace_back(file, to_id(statement.next_blob()));
    less.weight += space::weight_of(statement.next_text());
    less.bytes += statement.next_number();
  }
  note(statement.code());
  for (const auto& [file, blob] : gone) {
    if (!blobs_stay) discard(blob);
    if (!blobs_stay) blobs.push_back(blob);
    log_.add(guid, [file = file](SpaceState& state) { erase(state.files, file, &FileRow::file); });
  }
  give_back(guid, less);
}

std::vector<BlobKey> SqliteTransaction::remove_upload(const Id& upload) {
  std::vector<BlobKey> blobs;
  if (ok())
    remove_uploads(
        by_id(connection_, "DELETE FROM uploads WHERE upload=? RETURNING guid,upload,blob,spare,name,partial,offset",
              upload),
        blobs);
  return blobs;
}

std::vector<BlobKey> SqliteTransaction::remove_file(const Id& file) {
  std::vector<BlobKey> blobs;
  if (!ok()) return blobs;
  bool is_shared = false;
  {
    Statement others = by_id(connection_,
                             "SELECT 1 FROM files gone JOIN files other ON other.guid=gone.guid AND "
                             "other.delivery=gone.delivery AND other.blob=gone.blob AND other.file<>gone.file "
                             "WHERE gone.file=? LIMIT 1",
                             file);
    is_shared = others.step();
    note(others.code());
  }
  if (ok())
    remove_files(by_id(connection_, "DELETE FROM files WHERE file=? RETURNING guid,file,blob,name,size", file), blobs,
                 is_shared);
  return blobs;
}

std::vector<BlobKey> SqliteTransaction::remove_delivery(const Id& delivery) {
  std::vector<BlobKey> blobs;
  if (!ok()) return blobs;
  std::optional<Guid> guid;
  {
    Statement statement =
        by_id(connection_, "DELETE FROM deliveries WHERE delivery=? AND committed IS NULL RETURNING guid", delivery);
    while (statement.step()) guid = to_id(statement.next_blob());
    note(statement.code());
  }
  if (!guid || !ok()) return blobs;
  log_.add(*guid, [delivery](SpaceState& state) { erase(state.deliveries, delivery, &DeliveryRow::delivery); });
  const auto of_delivery = [&](const char* sql) {
    Statement statement = connection_.prepare(sql);
    statement.blob(as_bytes(guid->bytes)).blob(as_bytes(delivery.bytes));
    return statement;
  };
  // RETURNING gives the blobs that nobody names any more; what they took of the limits is given back once for all of
  // them.
  remove_files(of_delivery("DELETE FROM files WHERE guid=? AND delivery=? RETURNING guid,file,blob,name,size"), blobs);
  if (!ok()) return blobs;
  remove_uploads(
      of_delivery(
          "DELETE FROM uploads WHERE guid=? AND delivery=? RETURNING guid,upload,blob,spare,name,partial,offset"),
      blobs);
  return blobs;
}

std::optional<std::vector<BlobKey>> SqliteTransaction::clear_delivery(const Id& delivery) {
  if (!ok()) return std::nullopt;
  const auto cleared = known(store::clear_delivery(connection_, delivery));
  if (!cleared || !ok()) return std::nullopt;
  log_.add(cleared->guid, [delivery](SpaceState& state) {
    erase(state.deliveries, delivery, &DeliveryRow::delivery);
    erase(state.files, delivery, &FileRow::delivery);
  });
  for (const BlobKey& blob : cleared->blobs) discard(blob);
  give_back(cleared->guid, cleared->use);
  return std::vector(cleared->blobs.begin(), cleared->blobs.end());
}

// Each table by its index that begins with the guid. `receipts` stay, for senders that ask later; `flights` of one node
// are none.
std::vector<BlobKey> SqliteTransaction::remove_space(const Guid& guid) {
  std::vector<BlobKey> blobs;
  if (!ok()) return blobs;
  // The pack of an open delivery has the name of the delivery; while there is no file in it, no other row names it.
  {
    Statement statement = connection_.prepare(
        "SELECT blob FROM files WHERE guid=?1 UNION SELECT blob FROM uploads WHERE guid=?1 "
        "UNION SELECT spare FROM uploads WHERE guid=?1 AND spare IS NOT NULL "
        "UNION SELECT delivery FROM deliveries WHERE guid=?1 AND committed IS NULL");
    statement.blob(as_bytes(guid.bytes));
    while (statement.step()) blobs.push_back(to_id(statement.next_blob()));
    note(statement.code());
  }
  for (const BlobKey& blob : blobs) discard(blob);
  // The outbox has secrets: they are written over before their rows go, because secure_delete=FAST wipes only in pages
  // that are written anyway.
  for (const char* sql :
       {"DELETE FROM spaces WHERE guid=?", "DELETE FROM deliveries WHERE guid=?", "DELETE FROM files WHERE guid=?",
        "DELETE FROM uploads WHERE guid=?", "DELETE FROM share_files WHERE guid=?", "DELETE FROM shares WHERE guid=?",
        "DELETE FROM file_receipts WHERE guid=?", "DELETE FROM past_files WHERE guid=?",
        "UPDATE outbox SET token='',key='' WHERE guid=?", "DELETE FROM outbox WHERE guid=?"}) {
    if (!ok()) return blobs;
    Statement statement = connection_.prepare(sql);
    statement.blob(as_bytes(guid.bytes)).step();
    note(statement.code());
  }
  // The whole space goes from the cache.
  log_.add(guid, nullptr);
  return blobs;
}

// Once is enough: a second row for the same blob would only be removed in vain.
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
