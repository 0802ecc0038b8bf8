#include "pg/pg_transaction.h"

#include "pg/pg_files.h"
#include "pg/pg_reading.h"

namespace qrx::pg {
namespace {

using space::BlobKey;
using space::DeliveryRow;
using space::FileRow;
using space::SpaceRow;
using space::SpaceState;
using space::Taken;
using space::UploadRow;
using store::bind_optional_id;
using store::bind_time;
using store::to_id;
using store::to_number;

constexpr const char* space_of_upload = "SELECT guid FROM uploads WHERE upload=?";
constexpr const char* space_of_delivery = "SELECT guid FROM deliveries WHERE delivery=?";

}  // namespace

// Spaces whose row was written for another reason have moved on already (`counted_`).
void PgTransaction::finish() {
  for (const Guid& guid : changed_) {
    if (counted_.contains(guid) || !ok()) continue;
    Statement statement = by_id(connection_, "UPDATE spaces SET changes=changes+1 WHERE guid=?", guid);
    run(statement);
  }
}

// Known from the first lock, mostly. A transaction without one (a note of the clock) asks for it.
std::int64_t PgTransaction::number() {
  if (xid() != 0 || !ok()) return xid();
  Statement statement = connection_.prepare("SELECT pg_current_xact_id()");
  const std::int64_t number = statement.step() ? statement.next_signed_number() : 0;
  note(statement);
  return number;
}

std::optional<SpaceState> PgTransaction::space(const Guid& guid) {
  lock_space(guid);
  if (!ok()) return std::nullopt;
  auto state = known(read_space(connection_, guid, Still::is_locked));
  if (!state) return std::nullopt;
  return std::move(state->state);
}

// A new space has no row to lock: its guid is random, and known to nobody yet.
void PgTransaction::put_space(const SpaceRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO spaces(" QRX_SPACE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(guid) DO UPDATE SET "
      "owner_hash=excluded.owner_hash,label=excluded.label,key=excluded.key,seal=excluded.seal,"
      "max_size=excluded.max_size,max_files=excluded.max_files,created=excluded.created,expires=excluded.expires,"
      // One that is dying stays so.
      "phase=CASE WHEN spaces.phase=2 THEN 2 ELSE excluded.phase END,seq=excluded.seq,packs=excluded.packs,"
      "changes=spaces.changes+1");
  store::bind_space(statement, row);
  run(statement);
  counted_.insert(row.guid);
}

void PgTransaction::put_delivery(const DeliveryRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement =
      connection_.prepare("INSERT INTO deliveries(" QRX_DELIVERY_COLUMNS
                          ") VALUES(?,?,?,?,?) ON CONFLICT(delivery) DO UPDATE SET "
                          "message=excluded.message,created=excluded.created,committed=excluded.committed");
  store::bind_delivery(statement, row);
  run(statement);
  changed(row.guid);
}

void PgTransaction::put_file(const FileRow& row) {
  put_files({&row, 1});
}

void PgTransaction::put_files(std::span<const FileRow> rows) {
  if (rows.empty()) return;
  lock_space(rows.front().guid);
  fail_unless(ok() && write_files(connection_, rows));
  changed(rows.front().guid);
}

void PgTransaction::put_upload(const UploadRow& row) {
  lock_space(row.guid);
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO uploads(" QRX_UPLOAD_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(upload) DO UPDATE SET "
      "delivery=excluded.delivery,name=excluded.name,metadata=excluded.metadata,length=excluded.length,"
      "\"offset\"=excluded.\"offset\",epoch=excluded.epoch,blob=excluded.blob,lone=excluded.lone,"
      "partial=excluded.partial,damaged=excluded.damaged,created=excluded.created,expires=excluded.expires,"
      "holder=excluded.holder,spare=excluded.spare");
  store::bind_upload(statement, row);
  run(statement);
  changed(row.guid);
}

// What of `more` does not fit beside what there is.
Taken PgTransaction::find_obstacle(const Guid& guid, const space::Use& more) {
  Statement statement =
      by_id(connection_, "SELECT max_size,max_files," QRX_USE_COLUMNS " FROM spaces WHERE guid=? AND phase<>2", guid);
  const bool there = statement.step();
  note(statement);
  if (!there) return Taken::no_such_space;
  return store::take_obstacle(statement, more);
}

space::SpaceChanged PgTransaction::change_space(const Guid& guid, const space::SpaceChange& change) {
  space::SpaceChanged out;
  if (!ok()) return out;
  static_assert(space::parts_beyond_files == 64 && space::least_texts == 1048576, "a statement has them");
  // Who opens or closes one that is blocked by now came too late; one that is dying is not there. The statement waits
  // for the row, and then sees it as it was left: it needs no lock before it.
  Statement statement = connection_.prepare(
      "UPDATE spaces SET seq=greatest(seq+1,?1),bytes=bytes+?2,files=files+?3,manifests=manifests+?4,parts=parts+?5,"
      "texts=texts+?10,changes=changes+1,expires=coalesce(?8::bigint,expires),"
      "phase=CASE WHEN phase>1 AND ?9::bigint<2 THEN phase ELSE coalesce(?9::bigint,phase) END "
      "WHERE guid=?6 AND phase<>2 AND (?7<>0 OR ((?2=0 OR max_size=0 OR bytes+?2<=max_size) AND "
      "(?10=0 OR max_size=0 OR texts+?10<=greatest(max_size,1048576)) AND (max_files=0 OR "
      "((?3=0 OR files+?3<=max_files) AND (?4=0 OR manifests+?4<=max_files) AND (?5=0 OR parts+?5<=max_files+64))))) "
      "RETURNING seq,expires,phase," QRX_USE_COLUMNS ",pg_current_xact_id()");
  const space::Use& more = change.more;
  statement.number(change.at_least).number(more.bytes).number(more.weight.files).number(more.weight.manifests);
  statement.number(more.weight.parts).blob(as_bytes(guid.bytes)).number(change.even_if_full ? 1 : 0);
  bind_time(statement, change.expires);
  change.phase ? statement.number(static_cast<std::uint64_t>(*change.phase)) : statement.null();
  statement.number(more.weight.texts);
  if (statement.step()) {
    out = {Taken::yes, store::take_head(statement)};
    locked(guid, statement.next_signed_number());
    counted_.insert(guid);
    return out;
  }
  note(statement);
  // Nothing was changed: the space is gone, or something does not fit.
  if (ok()) out.taken = find_obstacle(guid, more);
  return out;
}

// Locked before it is read, or the row could change between.
std::optional<UploadRow> PgTransaction::upload(const Id& upload) {
  lock_space_of(space_of_upload, upload);
  if (!ok()) return std::nullopt;
  return known(read_upload(connection_, upload));
}

std::optional<space::OpenDelivery> PgTransaction::open_delivery(const Id& delivery) {
  lock_space_of(space_of_delivery, delivery);
  if (!ok()) return std::nullopt;
  return known(read_open_delivery(connection_, delivery));
}

// As in store/sqlite_transaction.cpp, the conditions keep writers apart: who no longer has the epoch, or stands at
// another offset, changes nothing.
bool PgTransaction::advance_upload(const UploadRow& row, std::uint64_t offset) {
  lock_space(row.guid);
  if (!ok()) return false;
  Statement statement = connection_.prepare(
      "UPDATE uploads SET \"offset\"=?,expires=?,holder=?,blob=?,spare=NULL "
      "WHERE upload=? AND epoch=? AND \"offset\"=?");
  statement.number(offset).signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  statement.blob(as_bytes(row.blob.bytes)).blob(as_bytes(row.upload.bytes)).number(row.epoch).number(row.offset);
  changed(row.guid);
  return changes(statement) > 0;
}

bool PgTransaction::change_upload(const UploadRow& row) {
  lock_space(row.guid);
  if (!ok()) return false;
  Statement statement =
      connection_.prepare("UPDATE uploads SET length=?,damaged=?,expires=?,holder=? WHERE upload=? AND epoch=?");
  row.length ? statement.number(*row.length) : statement.null();
  statement.number(row.damaged ? 1 : 0).signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  statement.blob(as_bytes(row.upload.bytes)).number(row.epoch);
  changed(row.guid);
  return changes(statement) > 0;
}

// With the next epoch, what the former writer still wants to record changes nothing (advance_upload()).
std::optional<std::uint64_t> PgTransaction::begin_writing(const UploadRow& row) {
  lock_space(row.guid);
  if (!ok()) return std::nullopt;
  Statement statement = connection_.prepare(
      "UPDATE uploads SET epoch=epoch+1,expires=?,holder=?,spare=? WHERE upload=? AND \"offset\"=? RETURNING epoch");
  statement.signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  bind_optional_id(statement, row.spare);
  statement.blob(as_bytes(row.upload.bytes)).number(row.offset);
  changed(row.guid);
  std::optional<std::uint64_t> epoch;
  if (statement.step()) epoch = statement.next_number();
  note(statement);
  return epoch;
}

// Of two nodes that believe to have completed it, one finds the row.
std::optional<std::uint64_t> PgTransaction::finish_upload(const UploadRow& row) {
  lock_space(row.guid);
  if (!ok()) return std::nullopt;
  Statement statement =
      connection_.prepare("DELETE FROM uploads WHERE upload=? AND epoch=? RETURNING \"offset\",blob,spare");
  statement.blob(as_bytes(row.upload.bytes)).number(row.epoch);
  std::optional<std::uint64_t> offset;
  BlobKey blob{}, spare{};
  if (statement.step()) {
    offset = statement.next_number();
    blob = to_id(statement.next_blob());
    spare = store::next_optional_id(statement);
  }
  note(statement);
  if (!offset) return offset;
  changed(row.guid);
  for (const BlobKey& other : {blob, spare})
    if (other != row.blob && other != BlobKey()) discard(other);
  return offset;
}

bool PgTransaction::commit_delivery(const DeliveryRow& row) {
  lock_space(row.guid);
  if (!ok()) return false;
  Statement statement =
      connection_.prepare("UPDATE deliveries SET message=?,committed=? WHERE delivery=? AND committed IS NULL");
  statement.text(row.message);
  bind_time(statement, row.committed);
  statement.blob(as_bytes(row.delivery.bytes));
  changed(row.guid);
  return changes(statement) > 0;
}

std::uint64_t PgTransaction::committed_deliveries(const Guid& guid) {
  lock_space(guid);
  if (!ok()) return 0;
  Statement statement =
      by_id(connection_, "SELECT count(*) FROM deliveries WHERE guid=? AND committed IS NOT NULL", guid);
  const std::uint64_t count = statement.step() ? statement.next_number() : 0;
  note(statement);
  return count;
}

void PgTransaction::remember(const std::string& name, const std::string& value) {
  if (!ok()) return;
  Statement statement = connection_.prepare(
      "INSERT INTO notes(name,value) VALUES(?,?) ON CONFLICT(name) DO UPDATE SET value=excluded.value");
  statement.text(name).text(value);
  run(statement);
}

}  // namespace qrx::pg
