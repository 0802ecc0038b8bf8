#include "pg/pg_past_files.h"

#include "pg/pg_reading.h"
#include "space/receipt_model.h"

namespace qrx::pg {
namespace {

constexpr const char* clearing = "cannot change the catalog";

bool keep_past_files(Connection& connection, const Guid& guid, const Id& delivery) {
  Statement statement = by_id(connection,
                              "INSERT INTO past_files(" QRX_PAST_FILE_COLUMNS ") SELECT " QRX_PAST_FILE_COLUMNS
                              " FROM files WHERE guid=? AND delivery=? ORDER BY number",
                              guid);
  statement.blob(as_bytes(delivery.bytes));
  (void)statement.changes();
  return !statement.failed();
}

bool forget_too_many(Connection& connection, const Guid& guid, const Id& last) {
  Statement too_many = by_id(connection, QRX_TOO_MANY_PAST, guid);
  too_many.blob(as_bytes(last.bytes)).number(space::most_past_files);
  std::vector<Id> old;
  while (too_many.step()) old.push_back(store::to_id(too_many.next_blob()));
  if (too_many.failed()) return false;
  for (const Id& delivery : old)
    for (const char* sql : {"DELETE FROM past_files WHERE delivery=?", "DELETE FROM file_receipts WHERE delivery=?",
                            "DELETE FROM receipts WHERE delivery=?"}) {
      Statement statement = by_id(connection, sql, delivery);
      (void)statement.changes();
      if (statement.failed()) return false;
    }
  return true;
}

}  // namespace

Result<std::optional<store::Cleared>> clear_delivery(Connection& connection, const Id& delivery) {
  std::optional<Guid> guid;
  std::uint64_t message = 0;
  {
    Statement row =
        by_id(connection, "DELETE FROM deliveries WHERE delivery=? AND committed IS NOT NULL RETURNING guid,message",
              delivery);
    if (row.step()) {
      guid = store::to_id(row.next_blob());
      message = row.next_text().size();
    }
    if (row.failed()) return connection.failure().error(clearing);
  }
  if (!guid) return std::optional<store::Cleared>();
  if (!keep_past_files(connection, *guid, delivery) || !forget_too_many(connection, *guid, delivery))
    return connection.failure().error(clearing);
  Statement files = by_id(connection, "DELETE FROM files WHERE guid=? AND delivery=? RETURNING blob,name,size", *guid);
  files.blob(as_bytes(delivery.bytes));
  store::Cleared cleared = store::take_cleared(files, *guid, message);
  if (files.failed()) return connection.failure().error(clearing);
  return std::optional(std::move(cleared));
}

Result<std::optional<space::FileRow>> read_past_file(Connection& connection, const Id& file) {
  return take_one(connection, by_id(connection, "SELECT " QRX_PAST_FILE_COLUMNS " FROM past_files WHERE file=?", file),
                  store::take_past_file<Statement>);
}

Result<std::vector<space::FileRow>> read_past_files(Connection& connection, const Id& delivery) {
  return take_all(
      connection,
      by_id(connection, "SELECT " QRX_PAST_FILE_COLUMNS " FROM past_files WHERE delivery=? ORDER BY number", delivery),
      store::take_past_file<Statement>);
}

}  // namespace qrx::pg
