#include "pg/pg_reading.h"

#include <algorithm>
#include <array>
#include <span>

#include "store/removal_sql.h"

namespace qrx::pg {

using space::DeliveryRow;
using space::FileRow;
using space::PageSize;
using space::PageStart;
using space::ShareFileRow;
using space::ShareRow;
using space::UploadRow;

namespace {

constexpr int rows_at_once = 500;

template <class T>
[[nodiscard]] tl::unexpected<Error> failed(Result<T>& result) {
  return tl::unexpected(std::move(result.error()));
}

}  // namespace

Result<std::optional<CountedState>> read_space(Connection& connection, const Guid& guid, Still still) {
  // All statements go out together: one way there and back instead of six.
  Statement begin = connection.prepare("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  Statement space =
      by_id(connection,
            "SELECT " QRX_SPACE_COLUMNS "," QRX_USE_COLUMNS ",changes FROM spaces WHERE guid=? AND phase<>2", guid);
  Statement deliveries =
      by_id(connection, "SELECT " QRX_DELIVERY_COLUMNS " FROM deliveries WHERE guid=? ORDER BY number", guid);
  Statement files = by_id(connection, "SELECT " QRX_FILE_COLUMNS " FROM files WHERE guid=? ORDER BY number", guid);
  Statement uploads =
      by_id(connection, "SELECT " QRX_UPLOAD_COLUMNS " FROM uploads WHERE guid=? ORDER BY number", guid);
  Statement commit = connection.prepare("COMMIT");
  const std::array<Statement*, 6> all{&begin, &space, &deliveries, &files, &uploads, &commit};
  const std::span<Statement* const> those =
      still == Still::snapshot ? std::span(all) : std::span(all).subspan(1, all.size() - 2);
  if (!connection.run_together(those)) {
    const auto error = connection.failure().error(reading);
    // The BEGIN may have been executed: the connection goes back to the pool without a transaction.
    if (still == Still::snapshot) connection.execute("ROLLBACK");
    return error;
  }
  if (!space.step()) return std::optional<CountedState>();
  std::optional<CountedState> out(std::in_place);
  out->state.space = store::take_space(space);
  out->changes = space.next_signed_number();
  while (deliveries.step()) out->state.deliveries.push_back(store::take_delivery(deliveries));
  while (files.step()) out->state.files.push_back(store::take_file(files));
  while (uploads.step()) out->state.uploads.push_back(store::take_upload(uploads));
  return out;
}

namespace {

// A page while it is filled, row by row: a delivery with one of its files, or none.
class PageFiller {
 public:
  PageFiller(const PageStart& from, const PageSize& most) : from_(from), most_(most) {}

  bool add(Statement& row) {  // false: the page is full
    const std::uint64_t number = row.next_number();
    DeliveryRow delivery = store::take_delivery(row);
    // Rows of one delivery come together; the next number ends it.
    if (!began_ || number != at_.delivery) {
      if (!end_delivery()) return false;
      began_ = true;
      const bool goes_on = number == from_.delivery && *delivery.committed == from_.committed;
      at_ = {*delivery.committed, number, goes_on ? from_.file : 0};
      one_ = {std::move(delivery), {}};
    }
    // The LEFT JOIN found no file: a delivery that is its message.
    if (row.next_is_null()) return true;
    if (is_full()) {
      page.next = at_;
      return end_delivery();
    }
    at_.file = row.next_number();
    one_.files.push_back(store::take_file(row));
    ++files_;
    bytes_ += one_.files.back().name.size();
    return true;
  }

  bool end_delivery() {
    if (!began_) return true;
    began_ = false;
    // A delivery without files is its message, or what a page before this one ended with.
    const bool text = one_.files.empty() && !page.next && at_.file == 0 && !one_.row.message.empty();
    if (text && is_full()) page.next = at_;
    bytes_ += one_.row.message.size();
    if (!one_.files.empty() || (text && !page.next)) page.deliveries.push_back(std::move(one_));
    return !page.next;
  }

  space::CommittedPage page;

 private:
  bool is_full() const { return files_ >= most_.files || bytes_ >= most_.bytes; }

  const PageStart from_;
  const PageSize most_;
  bool began_ = false;
  PageStart at_;
  space::CommittedPage::Delivery one_;
  std::uint64_t files_ = 0, bytes_ = 0;
};

}  // namespace

Result<space::CommittedPage> read_committed(Connection& connection, const Guid& guid, const PageStart& from,
                                            const PageSize& most) {
  Statement rows = connection.prepare(
      // The order of deliveries_by_commit and files_by_delivery. A cursor, because the page ends by the bytes of its
      // names, which no LIMIT knows; rows come 500 at a time.
      "DECLARE page NO SCROLL CURSOR FOR SELECT d.number,d.delivery,d.guid,d.message,d.created,d.committed,f.number,"
      "f.file,f.delivery,f.guid,f.name,f.size,f.type,f.xxh128,f.sha256,f.sealed,f.blob,f.blob_offset,f.modified,"
      "f.executable FROM deliveries d LEFT JOIN files f ON f.guid=d.guid AND f.delivery=d.delivery AND "
      "(f.number>?4 OR d.number<>?3 OR d.committed<>?2) WHERE d.guid=?1 AND d.committed IS NOT NULL AND "
      "(d.committed,d.number)>=(?2,?3) ORDER BY d.committed,d.number,f.number");
  rows.blob(as_bytes(guid.bytes)).signed_number(store::to_number(from.committed)).number(from.delivery);
  rows.number(from.file).step();
  if (rows.failed()) return connection.failure().error(reading);
  PageFiller filler(from, most);
  static const std::string more = "FETCH FORWARD " + std::to_string(rows_at_once) + " FROM page";
  for (bool goes_on = true; goes_on;) {
    Statement fetched = connection.prepare(more);
    int count = 0;
    for (; goes_on && fetched.step(); ++count) goes_on = filler.add(fetched);
    if (fetched.failed()) return connection.failure().error(reading);
    if (goes_on && count < rows_at_once) {
      filler.end_delivery();
      goes_on = false;
    }
  }
  // On an error it is not closed: the transaction ends, and the cursor with it.
  connection.execute("CLOSE page");
  return std::move(filler.page);
}

Result<std::optional<space::OpenDelivery>> read_open_delivery(Connection& connection, const Id& delivery) {
  auto row = take_one(
      connection,
      by_id(connection, "SELECT " QRX_DELIVERY_COLUMNS " FROM deliveries WHERE delivery=? AND committed IS NULL",
            delivery),
      store::take_delivery<Statement>);
  if (!row) return failed(row);
  if (!*row) return std::optional<space::OpenDelivery>();
  const auto of_it = [&](const char* sql) {
    Statement statement = by_id(connection, sql, (*row)->guid);
    statement.blob(as_bytes(delivery.bytes));
    return statement;
  };
  auto files =
      take_all(connection, of_it("SELECT " QRX_FILE_COLUMNS " FROM files WHERE guid=? AND delivery=? ORDER BY number"),
               store::take_file<Statement>);
  if (!files) return failed(files);
  auto uploads = take_all(
      connection, of_it("SELECT " QRX_UPLOAD_COLUMNS " FROM uploads WHERE guid=? AND delivery=? ORDER BY number"),
      store::take_upload<Statement>);
  if (!uploads) return failed(uploads);
  return space::OpenDelivery{std::move(**row), std::move(*files), std::move(*uploads)};
}

Result<std::vector<FileRow>> read_files(Connection& connection, std::span<const Id> ids) {
  std::vector<Statement> statements;
  statements.reserve(ids.size());
  for (const Id& id : ids)
    statements.push_back(by_id(connection, "SELECT " QRX_FILE_COLUMNS " FROM files WHERE file=?" QRX_NOT_GONE, id));
  std::vector<Statement*> all;
  for (Statement& statement : statements) all.push_back(&statement);
  // One way there and back for all of them.
  if (!connection.run_together(all)) return connection.failure().error(reading);
  std::vector<FileRow> rows;
  for (Statement& statement : statements)
    if (statement.step()) rows.push_back(store::take_file(statement));
  return rows;
}

Result<std::optional<UploadRow>> read_upload(Connection& connection, const Id& upload) {
  return take_one(connection, by_id(connection, "SELECT " QRX_UPLOAD_COLUMNS " FROM uploads WHERE upload=?", upload),
                  store::take_upload<Statement>);
}

Result<std::optional<space::ReceiptRow>> read_receipt(Connection& connection, const Id& delivery) {
  return take_one(connection,
                  by_id(connection, "SELECT " QRX_RECEIPT_COLUMNS " FROM receipts WHERE delivery=?", delivery),
                  store::take_receipt<Statement>);
}

Result<std::optional<space::FileReceiptRow>> read_file_receipt(Connection& connection, const Id& delivery,
                                                               const Id& file) {
  Statement statement =
      connection.prepare("SELECT " QRX_FILE_RECEIPT_COLUMNS " FROM file_receipts WHERE delivery=? AND file=?");
  statement.blob(as_bytes(delivery.bytes)).blob(as_bytes(file.bytes));
  return take_one(connection, std::move(statement), store::take_file_receipt<Statement>);
}

Result<std::optional<ShareRow>> read_share(Connection& connection, const Id& share) {
  return take_one(connection, by_id(connection, "SELECT " QRX_SHARE_COLUMNS " FROM shares WHERE share=?", share),
                  store::take_share<Statement>);
}

Result<space::SharePage> read_shares(Connection& connection, const Guid& guid, std::uint64_t next,
                                     const space::SharePageSize& most) {
  Statement statement = connection.prepare("SELECT number," QRX_SHARE_COLUMNS
                                           " FROM shares WHERE guid=? AND number>? ORDER BY number LIMIT ?");
  // A page has one share at least, and one more tells that there is another page.
  statement.blob(as_bytes(guid.bytes)).number(next).number(std::max<std::uint64_t>(most.shares, 1) + 1);
  space::SharePage page;
  std::uint64_t bytes = 0, last = next;
  while (statement.step()) {
    if (!page.shares.empty() && (page.shares.size() >= most.shares || bytes >= most.bytes)) {
      page.next = last;
      return page;
    }
    last = statement.next_number();
    page.shares.push_back(store::take_share(statement));
    for (const wire::ShareEvent& event : page.shares.back().history) bytes += event.reason.size();
  }
  if (statement.failed()) return connection.failure().error(reading);
  return page;
}

Result<std::optional<ShareFileRow>> read_share_file(Connection& connection, const Id& share, const Id& file) {
  Statement statement =
      connection.prepare("SELECT " QRX_SHARE_FILE_COLUMNS " FROM share_files WHERE share=? AND file=?");
  statement.blob(as_bytes(share.bytes)).blob(as_bytes(file.bytes));
  return take_one(connection, std::move(statement), store::take_share_file<Statement>);
}

// Who claimed it stands in the last column.
space::NoticeRow take_notice(Statement& row) {
  space::NoticeRow out = store::take_notice(row);
  out.claimed = !row.next_is_null();
  row.skip();
  return out;
}

Result<std::vector<Id>> take_ids(Connection& connection, Statement statement) {
  return take_all<Id>(connection, std::move(statement), [](Statement& row) { return store::to_id(row.next_blob()); });
}

Result<std::uint64_t> take_number(Connection& connection, Statement statement) {
  if (!statement.step()) return connection.failure().error(reading);
  return statement.next_number();
}

}  // namespace qrx::pg
