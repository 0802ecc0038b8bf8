#include "store/extent_columns.h"

#include <sqlite3.h>

#include "store/columns.h"

namespace qrx::store {

int write_extents(Connection& connection, const space::BlobKey& blob, const space::Extents& extents) {
  for (const space::Extent& extent : extents) {
    Statement statement = by_id(connection, "INSERT INTO segments(blob,first,size,object,at) VALUES(?,?,?,?,?)", blob);
    statement.number(extent.first).number(extent.size).text(extent.object).number(extent.at);
    if (const int code = run(statement); code != SQLITE_OK) return code;
  }
  return SQLITE_OK;
}

int remove_extents(Connection& connection, const space::BlobKey& blob) {
  Statement statement = by_id(connection, "DELETE FROM segments WHERE blob=?", blob);
  return run(statement);
}

Result<space::Extents> read_extents(Connection& connection, const space::BlobKey& blob) {
  return take_all(by_id(connection, "SELECT first,size,object,at FROM segments WHERE blob=? ORDER BY first", blob),
                  take_extent<Statement>);
}

Result<bool> is_object_of_others(Connection& connection, const std::string& object, const space::BlobKey& blob) {
  Statement statement = connection.prepare("SELECT 1 FROM segments WHERE object=? AND blob<>? LIMIT 1");
  statement.text(object).blob(as_bytes(blob.bytes));
  const bool found = statement.step();
  if (statement.failed()) return fail_sqlite(statement.code(), reading);
  return found;
}

}  // namespace qrx::store
