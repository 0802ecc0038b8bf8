// What the tables have in common: how ids, sums and times stand in a column, and how rows are taken. Private to
// src/store.
#pragma once

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "store/sqlite.h"
#include "wire/id.h"

namespace qrx::store {

inline constexpr const char* reading = "cannot read the catalog";

// All zero when it has another size.
template <class Array>
Array to_array(ByteView bytes) {
  Array out{};
  if (bytes.size() == out.size()) std::memcpy(out.data(), bytes.data(), out.size());
  return out;
}
inline Id to_id(ByteView bytes) {
  return {to_array<decltype(Id::bytes)>(bytes)};
}

// Milliseconds since 1970.
inline std::int64_t to_number(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime to_time(std::int64_t number) {
  return WallTime(Millis(number));
}

// NULL is nothing.
inline void bind_time(Statement& statement, const std::optional<WallTime>& time) {
  time ? statement.signed_number(to_number(*time)) : statement.null();
}
inline std::optional<WallTime> next_optional_time(Statement& row) {
  if (!row.next_is_null()) return to_time(row.next_signed_number());
  row.skip();
  return std::nullopt;
}

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

// NULL is Id().
inline void bind_optional_id(Statement& statement, const Id& id) {
  id == Id() ? statement.null() : statement.blob(as_bytes(id.bytes));
}
inline Id next_optional_id(Statement& row) {
  if (!row.next_is_null()) return to_id(row.next_blob());
  row.skip();
  return {};
}

}  // namespace qrx::store
