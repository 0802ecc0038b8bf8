#include "store/removal_transaction.h"

#include <algorithm>
#include <utility>

#include "store/columns.h"
#include "store/removal_sql.h"
#include "store/rows.h"

namespace qrx::store {

using space::BlobKey;
using space::DeliveryRow;
using space::FileRow;
using space::GoneDelivery;
using space::Removed;
using space::rows_at_once;
using space::SpaceState;
using space::UploadRow;
using space::Use;

namespace {

template <class Row, class Key>
void erase(std::vector<Row>& rows, const Key& key, Key Row::*id) {
  rows.erase(std::remove_if(rows.begin(), rows.end(), [&](const Row& row) { return row.*id == key; }), rows.end());
}

// By guid and delivery, which is what the indexes begin with.
Statement of_delivery(Connection& connection, const char* sql, const GoneDelivery& gone) {
  Statement statement = by_id(connection, sql, gone.guid);
  statement.blob(as_bytes(gone.delivery.bytes));
  return statement;
}

}  // namespace

void RemovalTransaction::take_some(Statement statement, std::size_t& left) {
  if (!ok() || left == 0) return;
  statement.number(left).step();
  note(statement.code());
  if (ok()) left -= std::min(left, static_cast<std::size_t>(connection_.changes()));
}

void RemovalTransaction::give_back(const Guid& guid, const Use& less) {
  if (!ok() || less == Use{}) return;
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
// file that a row still names. Small files that came together share one.
void RemovalTransaction::discard_all(Removed& removed) {
  std::sort(removed.blobs.begin(), removed.blobs.end());
  removed.blobs.erase(std::unique(removed.blobs.begin(), removed.blobs.end()), removed.blobs.end());
  for (const BlobKey& blob : removed.blobs) discard(blob);
}

Use RemovalTransaction::take_upload(Statement& row, Removed& removed) {
  UploadRow upload;
  upload.guid = to_id(row.next_blob());
  upload.upload = to_id(row.next_blob());
  removed.blobs.push_back(to_id(row.next_blob()));
  if (const Id spare = next_optional_id(row); spare != BlobKey()) removed.blobs.push_back(spare);
  upload.name = row.next_text();
  upload.partial = row.next_number() != 0;
  Use use;
  use.bytes = row.next_number();
  // Of one without a byte only the announcement was counted, in memory.
  if (use.bytes > 0) use.weight = weight_of(upload);
  removed.uploads.push_back(upload.upload);
  log_.add(upload.guid, [id = upload.upload](SpaceState& state) { erase(state.uploads, id, &UploadRow::upload); });
  return use;
}

Use RemovalTransaction::take_file(Statement& row, Removed& removed) {
  const Guid guid = to_id(row.next_blob());
  const Id file = to_id(row.next_blob());
  removed.blobs.push_back(to_id(row.next_blob()));
  Use use;
  use.weight = space::weight_of(row.next_text());
  use.bytes = row.next_number();
  log_.add(guid, [file](SpaceState& state) { erase(state.files, file, &FileRow::file); });
  return use;
}

std::vector<BlobKey> RemovalTransaction::remove_upload(const Id& upload) {
  Removed removed;
  if (!ok()) return {};
  Guid guid;
  {
    Statement space = by_id(connection_, "SELECT guid FROM uploads WHERE upload=?", upload);
    if (!space.step()) return note(space.code()), std::vector<BlobKey>();
    guid = to_id(space.next_blob());
  }
  Use less;
  {
    Statement row = by_id(connection_, "DELETE FROM uploads WHERE upload=?" QRX_RETURNING_UPLOADS, upload);
    while (row.step()) less += take_upload(row, removed);
    note(row.code());
  }
  discard_all(removed);
  give_back(guid, less);
  return std::move(removed.blobs);
}

std::vector<BlobKey> RemovalTransaction::remove_file(const Id& file) {
  if (!ok()) return {};
  bool is_shared = false;
  Guid guid;
  {
    Statement row = by_id(connection_,
                          "SELECT guid,EXISTS(SELECT 1 FROM files other WHERE other.guid=gone.guid AND "
                          "other.delivery=gone.delivery AND other.blob=gone.blob AND other.file<>gone.file) "
                          "FROM files gone WHERE gone.file=?",
                          file);
    if (!row.step()) return note(row.code()), std::vector<BlobKey>();
    guid = to_id(row.next_blob());
    is_shared = row.next_number() != 0;
  }
  Removed removed;
  Use less;
  {
    Statement row = by_id(connection_, "DELETE FROM files WHERE file=?" QRX_RETURNING_FILES, file);
    while (row.step()) less += take_file(row, removed);
    note(row.code());
  }
  if (is_shared) removed.blobs.clear();
  discard_all(removed);
  give_back(guid, less);
  return std::move(removed.blobs);
}

std::optional<bool> RemovalTransaction::keeps_past(const Id& delivery) {
  if (!ok()) return std::nullopt;
  Statement row = by_id(connection_, "SELECT keeps_past FROM gone_deliveries WHERE delivery=?", delivery);
  const bool there = row.step();
  note(row.code());
  return there ? std::optional(row.next_number() != 0) : std::nullopt;
}

void RemovalTransaction::note_gone(const GoneDelivery& gone, bool keeps_past) {
  if (!ok()) return;
  // What was to become past files and is to be forgotten before it did goes as a whole.
  Statement statement = connection_.prepare(
      "INSERT INTO gone_deliveries(delivery,guid,keeps_past) VALUES(?,?,?) ON CONFLICT(delivery) DO UPDATE SET "
      "keeps_past=min(keeps_past,excluded.keeps_past)");
  statement.blob(as_bytes(gone.delivery.bytes)).blob(as_bytes(gone.guid.bytes)).number(keeps_past ? 1 : 0).step();
  note(statement.code());
}

// In the order of their arrival: what is past already stands before what is not (read_past_files()).
void RemovalTransaction::remove_files(const GoneDelivery& gone, bool keeps_past, std::size_t& left, Removed& removed) {
  if (!ok() || left == 0) return;
  if (keeps_past) {
    Statement kept = of_delivery(connection_,
                                 "INSERT INTO past_files(" QRX_PAST_FILE_COLUMNS ") SELECT " QRX_PAST_FILE_COLUMNS
                                 " FROM files WHERE guid=? AND delivery=? ORDER BY number LIMIT ?",
                                 gone);
    kept.number(left).step();
    note(kept.code());
  }
  take_some(of_delivery(connection_,
                        "DELETE FROM files WHERE number IN (SELECT number FROM files WHERE guid=? AND delivery=? "
                        "ORDER BY number LIMIT ?)" QRX_RETURNING_FILES,
                        gone),
            left, [&](Statement& row) { removed.use += take_file(row, removed); });
}

void RemovalTransaction::remove_rows(const GoneDelivery& gone, bool keeps_past, Removed& removed) {
  std::size_t left = rows_at_once;
  Use uploads;
  remove_files(gone, keeps_past, left, removed);
  take_some(of_delivery(connection_,
                        "DELETE FROM uploads WHERE number IN (SELECT number FROM uploads WHERE guid=? AND delivery=? "
                        "LIMIT ?)" QRX_RETURNING_UPLOADS,
                        gone),
            left, [&](Statement& row) { uploads += take_upload(row, removed); });
  if (!keeps_past) {
    take_some(by_id(connection_,
                    "DELETE FROM past_files WHERE number IN (SELECT number FROM past_files WHERE delivery=? LIMIT ?)",
                    gone.delivery),
              left);
    take_some(by_id(connection_,
                    "DELETE FROM file_receipts WHERE delivery=?1 AND file IN "
                    "(SELECT file FROM file_receipts WHERE delivery=?1 LIMIT ?2)",
                    gone.delivery),
              left);
  }
  discard_all(removed);
  Use less = removed.use;
  less += uploads;
  give_back(gone.guid, less);
  removed.there = true;
  removed.all = left > 0;
  if (!removed.all) return note_gone(gone, keeps_past);
  if (ok()) {
    Statement done = by_id(connection_, "DELETE FROM gone_deliveries WHERE delivery=?", gone.delivery);
    done.step();
    note(done.code());
  }
  if (keeps_past) forget_too_much_past(gone);
}

Removed RemovalTransaction::remove_delivery(const Id& delivery) {
  Removed removed;
  removed.all = true;
  if (!ok()) return removed;
  std::optional<Guid> guid;
  {
    Statement statement =
        by_id(connection_, "DELETE FROM deliveries WHERE delivery=? AND committed IS NULL RETURNING guid", delivery);
    while (statement.step()) guid = to_id(statement.next_blob());
    note(statement.code());
  }
  if (!guid || !ok()) return removed;
  log_.add(*guid, [delivery](SpaceState& state) { erase(state.deliveries, delivery, &DeliveryRow::delivery); });
  remove_rows({delivery, *guid}, false, removed);
  return removed;
}

Removed RemovalTransaction::clear_delivery(const Id& delivery) {
  Removed removed;
  removed.all = true;
  if (!ok()) return removed;
  std::optional<Guid> guid;
  {
    Statement statement =
        by_id(connection_,
              "SELECT guid,message,EXISTS(SELECT 1 FROM files f WHERE f.guid=d.guid AND f.delivery=d.delivery) "
              "FROM deliveries d WHERE delivery=? AND committed IS NOT NULL",
              delivery);
    if (statement.step()) {
      guid = to_id(statement.next_blob());
      removed.use.weight.texts = statement.next_text().size();
      // One without a file is its message, and counts as such.
      if (statement.next_number() == 0) removed.use.weight += space::text_weight;
    }
    note(statement.code());
  }
  if (guid && ok()) {
    Statement row = by_id(connection_, "DELETE FROM deliveries WHERE delivery=?", delivery);
    row.step();
    note(row.code());
  }
  if (!guid || !ok()) return removed;
  log_.add(*guid, [delivery](SpaceState& state) {
    erase(state.deliveries, delivery, &DeliveryRow::delivery);
    erase(state.files, delivery, &FileRow::delivery);
  });
  remove_rows({delivery, *guid}, true, removed);
  return removed;
}

Removed RemovalTransaction::remove_rest(const GoneDelivery& delivery) {
  Removed removed;
  removed.all = true;
  // Somebody else may have come to the end of it.
  const auto keeps = keeps_past(delivery.delivery);
  if (keeps) remove_rows(delivery, *keeps, removed);
  return removed;
}

bool RemovalTransaction::take_back_pack(const DeliveryRow& delivery) {
  Removed removed;
  std::size_t left = rows_at_once;
  Use less;
  take_some(of_delivery(connection_,
                        "DELETE FROM files WHERE number IN (SELECT number FROM files WHERE guid=?1 AND delivery=?2 AND "
                        "blob=?2 LIMIT ?3)" QRX_RETURNING_FILES,
                        {delivery.delivery, delivery.guid}),
            left, [&](Statement& row) { less += take_file(row, removed); });
  give_back(delivery.guid, less);
  return left == 0;
}

void RemovalTransaction::forget_too_much_past(const GoneDelivery& last) {
  std::vector<Id> old;
  if (!ok()) return;
  {
    Statement statement = connection_.prepare(QRX_TOO_MANY_PAST);
    statement.blob(as_bytes(last.guid.bytes)).blob(as_bytes(last.delivery.bytes)).number(space::most_past_files);
    while (statement.step()) old.push_back(to_id(statement.next_blob()));
    note(statement.code());
  }
  for (const Id& delivery : old) {
    if (!ok()) return;
    Statement receipt = by_id(connection_, "DELETE FROM receipts WHERE delivery=?", delivery);
    receipt.step();
    note(receipt.code());
    note_gone({delivery, last.guid}, false);
  }
}

bool RemovalTransaction::forget_receipts(WallTime before) {
  if (!ok()) return false;
  std::size_t forgotten = 0;
  {
    // By receipts_by_time: only old rows are looked at.
    Statement statement =
        connection_.prepare("INSERT INTO gone_deliveries(delivery,guid,keeps_past) " QRX_OLD_RECEIPTS
                            " LIMIT ? ON CONFLICT(delivery) DO UPDATE SET keeps_past=0 RETURNING delivery");
    statement.signed_number(to_number(before)).number(rows_at_once);
    std::vector<Id> old;
    while (statement.step()) old.push_back(to_id(statement.next_blob()));
    note(statement.code());
    forgotten = old.size();
    for (const Id& delivery : old) {
      if (!ok()) return false;
      Statement receipt = by_id(connection_, "DELETE FROM receipts WHERE delivery=?", delivery);
      receipt.step();
      note(receipt.code());
    }
  }
  return forgotten == rows_at_once;
}

// The whole space goes from the cache, and from the sums: its rows count no more from now on.
Removed RemovalTransaction::remove_space(const Guid& guid) {
  if (ok()) {
    Statement statement = by_id(connection_, "UPDATE spaces SET phase=2 WHERE guid=?", guid);
    statement.step();
    note(statement.code());
  }
  return remove_rest(guid);
}

// Each table by its index that begins with the guid. `receipts` stay, for senders that ask later; `flights` of one node
// are none.
Removed RemovalTransaction::remove_rest(const Guid& guid) {
  Removed removed;
  removed.all = true;
  if (!ok()) return removed;
  {
    Statement dying = by_id(connection_, "SELECT 1 FROM spaces WHERE guid=? AND phase=2", guid);
    if (!dying.step()) return note(dying.code()), removed;
  }
  log_.add(guid, nullptr);
  std::size_t left = rows_at_once;
  // Notices first: none is sent any more. Their secrets are written over, as secure_delete=FAST does not for sure.
  for (const char* sql :
       {"UPDATE outbox SET token='',key='' WHERE number IN (SELECT number FROM outbox WHERE guid=? AND token<>'' "
        "LIMIT ?)",
        "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE guid=? LIMIT ?)"})
    take_some(by_id(connection_, sql, guid), left);
  remove_named(guid, left, removed);
  for (const char* sql :
       {"DELETE FROM share_files WHERE (share,file) IN (SELECT share,file FROM share_files WHERE guid=? LIMIT ?)",
        "DELETE FROM shares WHERE number IN (SELECT number FROM shares WHERE guid=? LIMIT ?)",
        "DELETE FROM file_receipts WHERE (delivery,file) IN (SELECT delivery,file FROM file_receipts WHERE guid=? "
        "LIMIT ?)",
        "DELETE FROM past_files WHERE number IN (SELECT number FROM past_files WHERE guid=? LIMIT ?)",
        "DELETE FROM gone_deliveries WHERE delivery IN (SELECT delivery FROM gone_deliveries WHERE guid=? LIMIT ?)",
        // Last: while anything is left of it, its row says that it is dying.
        "DELETE FROM spaces WHERE guid IN (SELECT guid FROM spaces WHERE guid=? AND phase=2 LIMIT ?)"})
    take_some(by_id(connection_, sql, guid), left);
  removed.there = true;
  removed.all = left > 0;
  return removed;
}

// Deliveries first, so that their senders are told soon. The pack of an open one has the name of the delivery; while
// there is no file in it, no other row names it.
void RemovalTransaction::remove_named(const Guid& guid, std::size_t& left, Removed& removed) {
  take_some(by_id(connection_,
                  "DELETE FROM deliveries WHERE number IN (SELECT number FROM deliveries WHERE guid=? LIMIT ?) "
                  "RETURNING delivery,committed IS NULL",
                  guid),
            left, [&](Statement& row) {
              removed.deliveries.push_back(to_id(row.next_blob()));
              if (row.next_number() != 0) removed.blobs.push_back(removed.deliveries.back());
            });
  take_some(
      by_id(
          connection_,
          "DELETE FROM uploads WHERE number IN (SELECT number FROM uploads WHERE guid=? LIMIT ?)" QRX_RETURNING_UPLOADS,
          guid),
      left, [&](Statement& row) { take_upload(row, removed); });
  take_some(
      by_id(connection_,
            "DELETE FROM files WHERE number IN (SELECT number FROM files WHERE guid=? LIMIT ?)" QRX_RETURNING_FILES,
            guid),
      left, [&](Statement& row) { take_file(row, removed); });
  discard_all(removed);
}

}  // namespace qrx::store
