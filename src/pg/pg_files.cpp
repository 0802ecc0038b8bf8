#include "pg/pg_files.h"

#include <algorithm>
#include <vector>

#include "pg/pg_reading.h"

namespace qrx::pg {
namespace {

// What the server answers to so many fits into the socket: it never waits for us while we still send.
constexpr std::size_t most_together = 64;

constexpr const char* insert =
    "INSERT INTO files(" QRX_FILE_COLUMNS
    ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(file) DO UPDATE SET "
    "delivery=excluded.delivery,name=excluded.name,size=excluded.size,type=excluded.type,xxh128=excluded.xxh128,"
    "sha256=excluded.sha256,sealed=excluded.sealed,blob=excluded.blob,blob_offset=excluded.blob_offset,"
    "modified=excluded.modified,executable=excluded.executable";

}  // namespace

bool write_files(Connection& connection, std::span<const space::FileRow> rows) {
  while (!rows.empty()) {
    const std::size_t count = std::min(rows.size(), most_together);
    std::vector<Statement> statements;
    std::vector<Statement*> together;
    statements.reserve(count);
    for (const space::FileRow& row : rows.first(count)) {
      statements.push_back(connection.prepare(insert));
      store::bind_file(statements.back(), row);
      together.push_back(&statements.back());
    }
    if (!connection.run_together(together)) return false;
    rows = rows.subspan(count);
  }
  return true;
}

Result<bool> has_shared_blob(Connection& connection, const Id& file) {
  Statement statement = by_id(connection,
                              "SELECT 1 FROM files gone JOIN files other ON other.guid=gone.guid AND "
                              "other.delivery=gone.delivery AND other.blob=gone.blob AND other.file<>gone.file "
                              "WHERE gone.file=? LIMIT 1",
                              file);
  const bool found = statement.step();
  if (statement.failed()) return connection.failure().error(reading);
  return found;
}

}  // namespace qrx::pg
