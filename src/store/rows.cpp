#include "store/rows.h"

#include "store/columns.h"
#include "store/removal_sql.h"

namespace qrx::store {
using space::DeliveryRow;
using space::FileRow;
using space::SpaceChange;
using space::SpaceChanged;
using space::SpaceHead;
using space::SpaceRow;
using space::SpaceState;
using space::Taken;
using space::UploadRow;
using space::Use;

// Upserts leave `number` alone: a row that is changed keeps its place in the order of arrival. What is counted (bytes,
// files, ...) is not among the columns: it moves by write_change(), and by what is removed.
int write_space(Connection& connection, const SpaceRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO spaces(" QRX_SPACE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(guid) DO UPDATE SET "
      "owner_hash=excluded.owner_hash,label=excluded.label,key=excluded.key,seal=excluded.seal,"
      "max_size=excluded.max_size,max_files=excluded.max_files,created=excluded.created,expires=excluded.expires,"
      // One that is dying stays so.
      "phase=CASE WHEN phase=2 THEN 2 ELSE excluded.phase END,seq=excluded.seq,packs=excluded.packs");
  bind_space(statement, row);
  return run(statement);
}

namespace {

// What of `more` does not fit beside what there is.
Result<Taken> find_obstacle(Connection& connection, const Guid& guid, const Use& more) {
  Statement statement =
      by_id(connection, "SELECT max_size,max_files," QRX_USE_COLUMNS " FROM spaces WHERE guid=? AND phase<>2", guid);
  if (!statement.step()) {
    if (statement.failed()) return fail_sqlite(statement.code(), reading);
    return Taken::no_such_space;
  }
  return take_obstacle(statement, more);
}

}  // namespace

int write_change(Connection& connection, const Guid& guid, const SpaceChange& change, SpaceChanged& out) {
  // The index by expiry is not touched unless it must be.
  if (change.expires || change.phase) {
    // Who opens or closes one that is blocked by now came too late; one that is dying is not there.
    Statement statement = connection.prepare(
        "UPDATE spaces SET expires=coalesce(?1,expires),"
        "phase=CASE WHEN phase>1 AND ?2<2 THEN phase ELSE coalesce(?2,phase) END "
        "WHERE guid=?3 AND phase<>2");
    bind_time(statement, change.expires);
    change.phase ? statement.number(static_cast<std::uint64_t>(*change.phase)) : statement.null();
    statement.blob(as_bytes(guid.bytes));
    if (const int code = run(statement); code != SQLITE_OK) return code;
  }
  // One statement counts and checks the limits, so that nothing comes between. 0 is no limit; what adds nothing of a
  // kind is not stopped by its limit being exceeded already.
  static_assert(space::parts_beyond_files == 64 && space::least_texts == 1048576, "a statement has them");
  Statement statement = connection.prepare(
      "UPDATE spaces SET seq=max(seq+1,?1),bytes=bytes+?2,files=files+?3,manifests=manifests+?4,parts=parts+?5,"
      "texts=texts+?8 "
      "WHERE guid=?6 AND phase<>2 AND (?7 OR ((?2=0 OR max_size=0 OR bytes+?2<=max_size) AND "
      "(?8=0 OR max_size=0 OR texts+?8<=max(max_size,1048576)) AND (max_files=0 OR "
      "((?3=0 OR files+?3<=max_files) AND (?4=0 OR manifests+?4<=max_files) AND (?5=0 OR parts+?5<=max_files+64))))) "
      "RETURNING seq,expires,phase," QRX_USE_COLUMNS);
  const Use& more = change.more;
  statement.number(change.at_least).number(more.bytes).number(more.weight.files).number(more.weight.manifests);
  statement.number(more.weight.parts).blob(as_bytes(guid.bytes)).number(change.even_if_full ? 1 : 0);
  statement.number(more.weight.texts);
  bool done = false;
  while (statement.step()) {
    out = {Taken::yes, take_head(statement)};
    done = true;
  }
  if (statement.failed() || done) return statement.code();
  // Only when nothing was changed: the cheap way stays one statement.
  const auto obstacle = find_obstacle(connection, guid, more);
  if (obstacle) out.taken = *obstacle;
  return obstacle ? SQLITE_OK : connection.extended_code();
}

int write_delivery(Connection& connection, const DeliveryRow& row) {
  Statement statement =
      connection.prepare("INSERT INTO deliveries(" QRX_DELIVERY_COLUMNS
                         ") VALUES(?,?,?,?,?) ON CONFLICT(delivery) DO UPDATE SET "
                         "message=excluded.message,created=excluded.created,committed=excluded.committed");
  bind_delivery(statement, row);
  return run(statement);
}

int write_file(Connection& connection, const FileRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO files(" QRX_FILE_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(file) DO UPDATE SET "
      "delivery=excluded.delivery,name=excluded.name,size=excluded.size,type=excluded.type,xxh128=excluded.xxh128,"
      "sha256=excluded.sha256,sealed=excluded.sealed,blob=excluded.blob,blob_offset=excluded.blob_offset,"
      "modified=excluded.modified,executable=excluded.executable");
  bind_file(statement, row);
  return run(statement);
}

int write_upload(Connection& connection, const UploadRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO uploads(" QRX_UPLOAD_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(upload) DO UPDATE SET "
      "delivery=excluded.delivery,name=excluded.name,metadata=excluded.metadata,length=excluded.length,"
      "offset=excluded.offset,epoch=excluded.epoch,blob=excluded.blob,lone=excluded.lone,partial=excluded.partial,"
      "damaged=excluded.damaged,created=excluded.created,expires=excluded.expires,holder=excluded.holder,"
      "spare=excluded.spare");
  bind_upload(statement, row);
  return run(statement);
}

Result<std::optional<SpaceState>> read_space(Connection& connection, const Guid& guid) {
  auto space = take_one(
      by_id(connection, "SELECT " QRX_SPACE_COLUMNS "," QRX_USE_COLUMNS " FROM spaces WHERE guid=? AND phase<>2", guid),
      take_space<Statement>);
  if (!space) return tl::unexpected(std::move(space.error()));
  if (!*space) return std::optional<SpaceState>();
  std::optional<SpaceState> out(std::in_place);
  out->space = std::move(**space);
  const auto of_space = [&](const char* sql) { return by_id(connection, sql, guid); };
  // Each by its index that begins with the guid, then sorted: a space is read as a whole only when it is not in the
  // cache.
  auto deliveries = take_all(of_space("SELECT " QRX_DELIVERY_COLUMNS " FROM deliveries WHERE guid=? ORDER BY number"),
                             take_delivery<Statement>);
  if (!deliveries) return tl::unexpected(std::move(deliveries.error()));
  auto files =
      take_all(of_space("SELECT " QRX_FILE_COLUMNS " FROM files WHERE guid=? ORDER BY number"), take_file<Statement>);
  if (!files) return tl::unexpected(std::move(files.error()));
  auto uploads = take_all(of_space("SELECT " QRX_UPLOAD_COLUMNS " FROM uploads WHERE guid=? ORDER BY number"),
                          take_upload<Statement>);
  if (!uploads) return tl::unexpected(std::move(uploads.error()));
  out->deliveries = std::move(*deliveries);
  out->files = std::move(*files);
  out->uploads = std::move(*uploads);
  return out;
}

// Pages go by (committed, number) of the delivery and the number of the file, by the indexes deliveries_by_commit and
// files_by_delivery: the last page costs as little as the first, and a delivery that is committed meanwhile comes
// behind all that was shown.
Result<space::CommittedPage> read_committed(Connection& connection, const Guid& guid, const space::PageStart& from,
                                            const space::PageSize& most) {
  space::CommittedPage page;
  std::uint64_t files = 0, bytes = 0;
  const auto is_full = [&] { return files >= most.files || bytes >= most.bytes; };
  Statement deliveries = connection.prepare("SELECT number," QRX_DELIVERY_COLUMNS
                                            " FROM deliveries WHERE guid=? AND committed IS NOT NULL "
                                            "AND (committed,number)>=(?,?) ORDER BY committed,number");
  deliveries.blob(as_bytes(guid.bytes)).signed_number(to_number(from.committed)).number(from.delivery);
  while (deliveries.step()) {
    const std::uint64_t number = deliveries.next_number();
    space::CommittedPage::Delivery one{take_delivery(deliveries), {}};
    const bool goes_on = number == from.delivery && *one.row.committed == from.committed;
    space::PageStart at{*one.row.committed, number, goes_on ? from.file : 0};
    Statement rows = connection.prepare("SELECT number," QRX_FILE_COLUMNS
                                        " FROM files WHERE guid=? AND delivery=? AND number>? ORDER BY number");
    rows.blob(as_bytes(guid.bytes)).blob(as_bytes(one.row.delivery.bytes)).number(at.file);
    while (rows.step()) {
      if (is_full()) {
        page.next = at;
        break;
      }
      at.file = rows.next_number();
      one.files.push_back(take_file(rows));
      ++files;
      bytes += one.files.back().name.size();
    }
    if (rows.code() != SQLITE_OK) return fail_sqlite(rows.code(), reading);
    // A delivery without files is its message, or what a page before this one ended with.
    const bool text = one.files.empty() && !page.next && at.file == 0 && !one.row.message.empty();
    if (text && is_full()) page.next = at;
    bytes += one.row.message.size();
    if (!one.files.empty() || (text && !page.next)) page.deliveries.push_back(std::move(one));
    if (page.next) return page;
  }
  if (deliveries.code() != SQLITE_OK) return fail_sqlite(deliveries.code(), reading);
  return page;
}

Result<std::optional<FileRow>> read_file(Connection& connection, const Id& file) {
  return take_one(by_id(connection, "SELECT " QRX_FILE_COLUMNS " FROM files WHERE file=?" QRX_NOT_GONE, file),
                  take_file<Statement>);
}

// Who asks for many files asks for them in the order of the list: those behind the first one are found by going on from
// it, by the index files_by_delivery, which costs half of finding each by its id. Where another row stands there the
// next one is found by its id. That the delivery is not gone (QRX_NOT_GONE) is asked once for each row found so.
Result<std::vector<FileRow>> read_files(Connection& connection, std::span<const Id> ids) {
  std::vector<FileRow> out;
  out.reserve(ids.size());
  for (std::size_t at = 0; at < ids.size();) {
    auto first = read_file(connection, ids[at]);
    if (!first) return tl::unexpected(std::move(first.error()));
    ++at;
    if (!*first) continue;
    out.push_back(std::move(**first));
    if (at == ids.size()) break;
    const Id file = out.back().file, delivery = out.back().delivery;
    const Guid guid = out.back().guid;
    Statement statement = connection.prepare("SELECT " QRX_FILE_COLUMNS
                                             " FROM files WHERE guid=?1 AND delivery=?2 AND number>(SELECT number FROM "
                                             "files WHERE file=?3) ORDER BY number");
    statement.blob(as_bytes(guid.bytes)).blob(as_bytes(delivery.bytes)).blob(as_bytes(file.bytes));
    while (at < ids.size() && statement.step()) {
      FileRow next = take_file(statement);
      if (next.file != ids[at]) break;
      out.push_back(std::move(next));
      ++at;
    }
    if (statement.failed()) return fail_sqlite(statement.code(), reading);
  }
  return out;
}

Result<std::vector<FileRow>> read_files_after(Connection& connection, const Id& last, std::size_t most) {
  // By the key rather than OFFSET: no page gets slower, and rows that go meanwhile shift nothing.
  Statement statement = connection.prepare("SELECT " QRX_FILE_COLUMNS " FROM files WHERE file>? ORDER BY file LIMIT ?");
  statement.blob(as_bytes(last.bytes)).number(most);
  return take_all(std::move(statement), take_file<Statement>);
}

Result<std::vector<UploadRow>> read_uploads(Connection& connection) {
  // The whole table, which is small: an upload that is complete is a file.
  return take_all(connection.prepare("SELECT " QRX_UPLOAD_COLUMNS " FROM uploads ORDER BY number"),
                  take_upload<Statement>);
}

Result<std::optional<UploadRow>> read_upload(Connection& connection, const Id& upload) {
  return take_one(by_id(connection, "SELECT " QRX_UPLOAD_COLUMNS " FROM uploads WHERE upload=?", upload),
                  take_upload<Statement>);
}

Result<std::optional<space::OpenDelivery>> read_open_delivery(Connection& connection, const Id& delivery) {
  auto row = take_one(
      by_id(connection, "SELECT " QRX_DELIVERY_COLUMNS " FROM deliveries WHERE delivery=? AND committed IS NULL",
            delivery),
      take_delivery<Statement>);
  if (!row) return tl::unexpected(std::move(row.error()));
  if (!*row) return std::optional<space::OpenDelivery>();
  const auto of_it = [&](const char* sql) {
    // With the guid, which is what the indexes begin with.
    Statement statement = by_id(connection, sql, (*row)->guid);
    statement.blob(as_bytes(delivery.bytes));
    return statement;
  };
  auto files = take_all(of_it("SELECT " QRX_FILE_COLUMNS " FROM files WHERE guid=? AND delivery=? ORDER BY number"),
                        take_file<Statement>);
  if (!files) return tl::unexpected(std::move(files.error()));
  auto uploads =
      take_all(of_it("SELECT " QRX_UPLOAD_COLUMNS " FROM uploads WHERE guid=? AND delivery=? ORDER BY number"),
               take_upload<Statement>);
  if (!uploads) return tl::unexpected(std::move(uploads.error()));
  return space::OpenDelivery{std::move(**row), std::move(*files), std::move(*uploads)};
}

Result<std::vector<DeliveryRow>> read_open_deliveries(Connection& connection) {
  // By the partial index deliveries_open: the open ones of all spaces are few.
  return take_all(connection.prepare("SELECT " QRX_DELIVERY_COLUMNS " FROM deliveries WHERE committed IS NULL"),
                  take_delivery<Statement>);
}

}  // namespace qrx::store
