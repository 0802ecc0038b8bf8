#include "pg/pg_removal_transaction.h"

#include <algorithm>
#include <utility>

#include "pg/pg_files.h"
#include "pg/pg_reading.h"
#include "store/removal_sql.h"

// Rows of a statement, at most so many, by their places: whatever is known of the table, this is no scan of it.
#define QRX_SOME(table, condition) \
  "DELETE FROM " table " WHERE ctid=ANY(ARRAY(SELECT ctid FROM " table " WHERE " condition "))"
// In one statement what is deleted goes into the trash; gives what the deletion returns.
#define QRX_DISCARDING(deletion, blobs) \
  "WITH gone AS (" deletion "), kept AS (INSERT INTO trash(blob) " blobs " ON CONFLICT DO NOTHING) SELECT * FROM gone"
#define QRX_BLOBS "SELECT DISTINCT blob FROM gone"
#define QRX_BLOBS_AND_SPARES "SELECT blob FROM gone UNION SELECT spare FROM gone WHERE spare IS NOT NULL"

namespace qrx::pg {

using space::BlobKey;
using space::GoneDelivery;
using space::Removed;
using space::rows_at_once;
using space::Use;
using store::to_id;

namespace {

constexpr const char* space_of_upload = "SELECT guid FROM uploads WHERE upload=?";
constexpr const char* space_of_file = "SELECT guid FROM files WHERE file=?";
constexpr const char* space_of_delivery = "SELECT guid FROM deliveries WHERE delivery=?";

Statement of_delivery(Connection& connection, const char* sql, const GoneDelivery& gone) {
  Statement statement = by_id(connection, sql, gone.guid);
  statement.blob(as_bytes(gone.delivery.bytes));
  return statement;
}

// QRX_RETURNING_UPLOADS and QRX_RETURNING_FILES; give what they counted for.
Use take_upload(Statement& row, Removed& removed, std::optional<Guid>& guid) {
  space::UploadRow upload;
  guid = to_id(row.next_blob());
  removed.uploads.push_back(to_id(row.next_blob()));
  removed.blobs.push_back(to_id(row.next_blob()));
  if (const Id spare = store::next_optional_id(row); spare != Id()) removed.blobs.push_back(spare);
  upload.name = row.next_text();
  upload.partial = row.next_number() != 0;
  Use use;
  use.bytes = row.next_number();
  if (use.bytes > 0) use.weight = weight_of(upload);
  return use;
}

Use take_file(Statement& row, Removed& removed, std::optional<Guid>& guid) {
  guid = to_id(row.next_blob());
  row.skip();
  removed.blobs.push_back(to_id(row.next_blob()));
  Use use;
  use.weight = space::weight_of(row.next_text());
  use.bytes = row.next_number();
  return use;
}

void each_once(std::vector<BlobKey>& blobs) {
  std::sort(blobs.begin(), blobs.end());
  blobs.erase(std::unique(blobs.begin(), blobs.end()), blobs.end());
}

}  // namespace

template <class OfRow>
void PgRemovalTransaction::take_some(Statement statement, std::size_t& left, OfRow&& of_row) {
  if (!ok() || left == 0) return;
  statement.number(left);
  while (statement.step()) {
    of_row(statement);
    --left;
  }
  note(statement);
}

void PgRemovalTransaction::take_some(Statement statement, std::size_t& left) {
  if (!ok() || left == 0) return;
  statement.number(left);
  left -= std::min<std::size_t>(left, changes(statement));
}

void PgRemovalTransaction::give_back(const Guid& guid, const Use& less) {
  if (!ok() || less == Use{}) return;
  // Rows that were put and never counted make none negative.
  Statement statement = connection_.prepare(
      "UPDATE spaces SET bytes=greatest(0,bytes-?),files=greatest(0,files-?),manifests=greatest(0,manifests-?),"
      "parts=greatest(0,parts-?),texts=greatest(0,texts-?),changes=changes+1 WHERE guid=?");
  statement.number(less.bytes).number(less.weight.files).number(less.weight.manifests).number(less.weight.parts);
  statement.number(less.weight.texts).blob(as_bytes(guid.bytes));
  run(statement);
  counted_.insert(guid);
}

// As in store/removal_transaction.cpp: blobs into the trash with the rows, off the store after the commit.
std::vector<BlobKey> PgRemovalTransaction::remove_upload(const Id& upload) {
  lock_space_of(space_of_upload, upload);
  Removed removed;
  std::optional<Guid> guid;
  if (!ok()) return {};
  Use less;
  Statement row =
      by_id(connection_,
            QRX_DISCARDING("DELETE FROM uploads WHERE upload=?" QRX_RETURNING_UPLOADS, QRX_BLOBS_AND_SPARES), upload);
  while (row.step()) less += take_upload(row, removed, guid);
  note(row);
  if (!guid) return {};
  changed(*guid);
  give_back(*guid, less);
  return std::move(removed.blobs);
}

std::vector<BlobKey> PgRemovalTransaction::remove_file(const Id& file) {
  lock_space_of(space_of_file, file);
  Removed removed;
  std::optional<Guid> guid;
  if (!ok()) return {};
  const bool stays = known(has_shared_blob(connection_, file));
  if (!ok()) return {};
  Use less;
  Statement row = by_id(connection_, "DELETE FROM files WHERE file=?" QRX_RETURNING_FILES, file);
  while (row.step()) less += take_file(row, removed, guid);
  note(row);
  if (!guid) return {};
  if (stays) removed.blobs.clear();
  for (const BlobKey& blob : removed.blobs) discard(blob);
  changed(*guid);
  give_back(*guid, less);
  return std::move(removed.blobs);
}

std::optional<bool> PgRemovalTransaction::keeps_past(const Id& delivery) {
  if (!ok()) return std::nullopt;
  // Another node may be at it: one after the other.
  Statement row = by_id(connection_, "SELECT keeps_past FROM gone_deliveries WHERE delivery=? FOR UPDATE", delivery);
  const bool there = row.step();
  note(row);
  return there ? std::optional(row.next_number() != 0) : std::nullopt;
}

void PgRemovalTransaction::note_gone(const GoneDelivery& gone, bool keeps_past) {
  if (!ok()) return;
  // What was to become past files and is to be forgotten before it did goes as a whole.
  Statement statement = connection_.prepare(
      "INSERT INTO gone_deliveries(delivery,guid,keeps_past) VALUES(?,?,?) ON CONFLICT(delivery) DO UPDATE SET "
      "keeps_past=least(gone_deliveries.keeps_past,excluded.keeps_past)");
  statement.blob(as_bytes(gone.delivery.bytes)).blob(as_bytes(gone.guid.bytes)).number(keeps_past ? 1 : 0);
  run(statement);
}

// In the order of their arrival: what is past already stands before what is not.
void PgRemovalTransaction::remove_files(const GoneDelivery& gone, bool keeps_past, std::size_t& left,
                                        Removed& removed) {
  std::optional<Guid> of;
  if (!ok() || left == 0) return;
  if (keeps_past) {
    Statement kept = of_delivery(connection_,
                                 "INSERT INTO past_files(" QRX_PAST_FILE_COLUMNS ") SELECT " QRX_PAST_FILE_COLUMNS
                                 " FROM files WHERE guid=? AND delivery=? ORDER BY number LIMIT ?",
                                 gone);
    kept.number(left);
    run(kept);
  }
  take_some(
      of_delivery(connection_,
                  QRX_DISCARDING(QRX_SOME("files", "guid=? AND delivery=? ORDER BY number LIMIT ?") QRX_RETURNING_FILES,
                                 QRX_BLOBS),
                  gone),
      left, [&](Statement& row) { removed.use += take_file(row, removed, of); });
}

void PgRemovalTransaction::remove_rows(const GoneDelivery& gone, bool keeps_past, Removed& removed) {
  std::size_t left = rows_at_once;
  std::optional<Guid> of;
  Use uploads;
  remove_files(gone, keeps_past, left, removed);
  take_some(of_delivery(connection_,
                        QRX_DISCARDING(QRX_SOME("uploads", "guid=? AND delivery=? LIMIT ?") QRX_RETURNING_UPLOADS,
                                       QRX_BLOBS_AND_SPARES),
                        gone),
            left, [&](Statement& row) { uploads += take_upload(row, removed, of); });
  if (!keeps_past) {
    take_some(by_id(connection_, QRX_SOME("past_files", "delivery=? LIMIT ?"), gone.delivery), left);
    take_some(by_id(connection_, QRX_SOME("file_receipts", "delivery=? LIMIT ?"), gone.delivery), left);
  }
  each_once(removed.blobs);
  changed(gone.guid);
  Use less = removed.use;
  less += uploads;
  give_back(gone.guid, less);
  removed.there = true;
  removed.all = left > 0;
  if (!removed.all) return note_gone(gone, keeps_past);
  if (ok()) {
    Statement done = by_id(connection_, "DELETE FROM gone_deliveries WHERE delivery=?", gone.delivery);
    run(done);
  }
  if (keeps_past) forget_too_much_past(gone);
}

Removed PgRemovalTransaction::remove_delivery(const Id& delivery) {
  Removed removed;
  removed.all = true;
  lock_space_of(space_of_delivery, delivery);
  if (!ok()) return removed;
  std::optional<Guid> guid;
  Statement row =
      by_id(connection_, "DELETE FROM deliveries WHERE delivery=? AND committed IS NULL RETURNING guid", delivery);
  if (row.step()) guid = to_id(row.next_blob());
  note(row);
  if (guid && ok()) remove_rows({delivery, *guid}, false, removed);
  return removed;
}

Removed PgRemovalTransaction::clear_delivery(const Id& delivery) {
  Removed removed;
  removed.all = true;
  lock_space_of(space_of_delivery, delivery);
  if (!ok()) return removed;
  std::optional<Guid> guid;
  // One without a file is its message, and counts as such.
  Statement row = by_id(connection_,
                        "DELETE FROM deliveries WHERE delivery=?1 AND committed IS NOT NULL RETURNING guid,message,"
                        "(SELECT count(*) FROM (SELECT 1 FROM files f WHERE f.guid=deliveries.guid AND f.delivery=?1 "
                        "LIMIT 1) AS any_of_it)",
                        delivery);
  if (row.step()) {
    guid = to_id(row.next_blob());
    removed.use.weight.texts = row.next_text().size();
    if (row.next_number() == 0) removed.use.weight += space::text_weight;
  }
  note(row);
  if (guid && ok()) remove_rows({delivery, *guid}, true, removed);
  return removed;
}

Removed PgRemovalTransaction::remove_rest(const GoneDelivery& delivery) {
  Removed removed;
  removed.all = true;
  lock_space(delivery.guid);
  // Somebody else may have come to the end of it.
  const auto keeps = keeps_past(delivery.delivery);
  if (keeps) remove_rows(delivery, *keeps, removed);
  return removed;
}

// Many nodes have no packs (WholeFiles::put); the statement is the same.
bool PgRemovalTransaction::take_back_pack(const space::DeliveryRow& delivery) {
  Removed removed;
  std::size_t left = rows_at_once;
  std::optional<Guid> of;
  Use less;
  lock_space(delivery.guid);
  take_some(
      of_delivery(connection_, QRX_SOME("files", "guid=?1 AND delivery=?2 AND blob=?2 LIMIT ?3") QRX_RETURNING_FILES,
                  {delivery.delivery, delivery.guid}),
      left, [&](Statement& row) { less += take_file(row, removed, of); });
  changed(delivery.guid);
  give_back(delivery.guid, less);
  return left == 0;
}

void PgRemovalTransaction::forget_too_much_past(const GoneDelivery& last) {
  if (!ok()) return;
  Statement too_many = by_id(connection_, QRX_TOO_MANY_PAST, last.guid);
  too_many.blob(as_bytes(last.delivery.bytes)).number(space::most_past_files);
  std::vector<Id> old;
  while (too_many.step()) old.push_back(to_id(too_many.next_blob()));
  note(too_many);
  for (const Id& delivery : old) {
    if (!ok()) return;
    Statement receipt = by_id(connection_, "DELETE FROM receipts WHERE delivery=?", delivery);
    run(receipt);
    note_gone({delivery, last.guid}, false);
  }
}

// By receipts_by_time. No space is locked: those that are meant are gone.
bool PgRemovalTransaction::forget_receipts(WallTime before) {
  if (!ok()) return false;
  Statement statement = connection_.prepare(
      "WITH old AS (INSERT INTO gone_deliveries(delivery,guid,keeps_past) " QRX_OLD_RECEIPTS
      " ORDER BY r.delivery LIMIT ? ON CONFLICT(delivery) DO UPDATE SET keeps_past=0 RETURNING delivery) "
      "DELETE FROM receipts WHERE delivery IN (SELECT delivery FROM old)");
  statement.signed_number(store::to_number(before)).number(rows_at_once);
  return changes(statement) == rows_at_once;
}

Removed PgRemovalTransaction::remove_space(const Guid& guid) {
  lock_space(guid);
  if (ok()) {
    Statement statement = by_id(connection_, "UPDATE spaces SET phase=2,changes=changes+1 WHERE guid=?", guid);
    run(statement);
    counted_.insert(guid);
  }
  return remove_rest(guid);
}

Removed PgRemovalTransaction::remove_rest(const Guid& guid) {
  Removed removed;
  removed.all = true;
  lock_space(guid);
  if (!ok()) return removed;
  Statement dying = by_id(connection_, "SELECT 1 FROM spaces WHERE guid=? AND phase=2", guid);
  const bool there = dying.step();
  note(dying);
  if (!there || !ok()) return removed;
  std::size_t left = rows_at_once;
  std::optional<Guid> of;
  // First, so that none is sent any more.
  take_some(by_id(connection_, QRX_SOME("outbox", "guid=? LIMIT ?"), guid), left);
  // Then these, so that their senders are told soon. The pack of an open one has its name.
  take_some(by_id(connection_,
                  QRX_DISCARDING(QRX_SOME("deliveries", "guid=? LIMIT ?") " RETURNING delivery,committed",
                                 "SELECT delivery FROM gone WHERE committed IS NULL"),
                  guid),
            left, [&](Statement& row) {
              removed.deliveries.push_back(to_id(row.next_blob()));
              if (row.next_is_null()) removed.blobs.push_back(removed.deliveries.back());
            });
  take_some(
      by_id(connection_,
            QRX_DISCARDING(QRX_SOME("uploads", "guid=? LIMIT ?") QRX_RETURNING_UPLOADS, QRX_BLOBS_AND_SPARES), guid),
      left, [&](Statement& row) { take_upload(row, removed, of); });
  take_some(
      by_id(connection_, QRX_DISCARDING(QRX_SOME("files", "guid=? LIMIT ?") QRX_RETURNING_FILES, QRX_BLOBS), guid),
      left, [&](Statement& row) { take_file(row, removed, of); });
  each_once(removed.blobs);
  for (const char* sql : {QRX_SOME("share_files", "guid=? LIMIT ?"), QRX_SOME("shares", "guid=? LIMIT ?"),
                          QRX_SOME("file_receipts", "guid=? LIMIT ?"), QRX_SOME("past_files", "guid=? LIMIT ?"),
                          QRX_SOME("gone_deliveries", "guid=? LIMIT ?"),
                          // Last: while anything is left of it, its row says that it is dying.
                          QRX_SOME("spaces", "guid=? AND phase=2 LIMIT ?")})
    take_some(by_id(connection_, sql, guid), left);
  removed.there = true;
  removed.all = left > 0;
  return removed;
}

}  // namespace qrx::pg
