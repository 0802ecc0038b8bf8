#include "store/past_files.h"

#include <initializer_list>

#include "store/columns.h"

namespace qrx::store {
using space::FileRow;

namespace {

constexpr const char* clearing = "cannot change the catalog";

// Each of these with the id as its parameter. SQLITE_OK or what failed.
int run_all(Connection& connection, std::initializer_list<const char*> statements, const Id& id) {
  for (const char* sql : statements) {
    Statement statement = by_id(connection, sql, id);
    if (const int code = run(statement); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int keep_past_files(Connection& connection, const Guid& guid, const Id& delivery) {
  Statement statement =
      connection.prepare("INSERT INTO past_files(" QRX_PAST_FILE_COLUMNS ") SELECT " QRX_PAST_FILE_COLUMNS
                         " FROM files WHERE guid=? AND delivery=? ORDER BY number");
  statement.blob(as_bytes(guid.bytes)).blob(as_bytes(delivery.bytes));
  return run(statement);
}

int forget_too_many(Connection& connection, const Guid& guid, const Id& last) {
  std::vector<Id> old;
  {
    Statement statement = connection.prepare(QRX_TOO_MANY_PAST);
    statement.blob(as_bytes(guid.bytes)).blob(as_bytes(last.bytes)).number(space::most_past_files);
    while (statement.step()) old.push_back(to_id(statement.next_blob()));
    if (statement.failed()) return statement.code();
  }
  for (const Id& delivery : old)
    if (const int code =
            run_all(connection,
                    {"DELETE FROM past_files WHERE delivery=?", "DELETE FROM file_receipts WHERE delivery=?",
                     "DELETE FROM receipts WHERE delivery=?"},
                    delivery);
        code != SQLITE_OK)
      return code;
  return SQLITE_OK;
}

}  // namespace

Result<std::optional<Cleared>> clear_delivery(Connection& connection, const Id& delivery) {
  std::optional<Guid> guid;
  std::uint64_t message = 0;
  {
    Statement statement =
        by_id(connection, "DELETE FROM deliveries WHERE delivery=? AND committed IS NOT NULL RETURNING guid,message",
              delivery);
    while (statement.step()) {
      guid = to_id(statement.next_blob());
      message = statement.next_text().size();
    }
    if (statement.failed()) return fail_sqlite(statement.code(), clearing);
  }
  if (!guid) return std::optional<Cleared>();
  if (const int code = keep_past_files(connection, *guid, delivery); code != SQLITE_OK)
    return fail_sqlite(code, clearing);
  if (const int code = forget_too_many(connection, *guid, delivery); code != SQLITE_OK)
    return fail_sqlite(code, clearing);
  Statement files = connection.prepare("DELETE FROM files WHERE guid=? AND delivery=? RETURNING blob,name,size");
  files.blob(as_bytes(guid->bytes)).blob(as_bytes(delivery.bytes));
  Cleared cleared = take_cleared(files, *guid, message);
  if (files.failed()) return fail_sqlite(files.code(), clearing);
  return std::optional(std::move(cleared));
}

Result<std::optional<FileRow>> read_past_file(Connection& connection, const Id& file) {
  return take_one(by_id(connection, "SELECT " QRX_PAST_FILE_COLUMNS " FROM past_files WHERE file=?", file),
                  take_past_file<Statement>);
}

Result<std::vector<FileRow>> read_past_files(Connection& connection, const Id& delivery) {
  return take_all(
      by_id(connection, "SELECT " QRX_PAST_FILE_COLUMNS " FROM past_files WHERE delivery=? ORDER BY number", delivery),
      take_past_file<Statement>);
}

}  // namespace qrx::store
