// How rows are taken out of SQLite. Private to src/store.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "store/row_fields.h"
#include "store/sqlite.h"

namespace qrx::store {

inline constexpr const char* reading = "cannot read the catalog";

// SQLITE_OK or what failed.
inline int run(Statement& statement) {
  statement.step();
  return statement.code();
}

template <class Row>
Result<std::vector<Row>> take_all(Statement statement, Row (*take)(Statement&)) {
  std::vector<Row> rows;
  while (statement.step()) rows.push_back(take(statement));
  if (statement.failed()) return fail_sqlite(statement.code(), reading);
  return rows;
}

template <class Row>
Result<std::optional<Row>> take_one(Statement statement, Row (*take)(Statement&)) {
  if (statement.step()) return take(statement);
  if (statement.failed()) return fail_sqlite(statement.code(), reading);
  return std::optional<Row>();
}

// `sql` has one parameter, the id.
inline Statement by_id(Connection& connection, const char* sql, const Id& id) {
  Statement statement = connection.prepare(sql);
  statement.blob(as_bytes(id.bytes));
  return statement;
}

}  // namespace qrx::store
