// A thin hold on SQLite: a connection and its prepared statements, as values with one owner. Private to src/store.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "base/result.h"

namespace qrx::store {

// The error of a result code: "catalog: disk I/O error". SQLITE_FULL gives Kind::no_room. What may be over soon gives
// Kind::unavailable: BUSY, LOCKED, IOERR, CANTOPEN (out of descriptors) and NOMEM. Everything else is Kind::other.
[[nodiscard]] tl::unexpected<Error> fail_sqlite(int code, std::string_view doing);

// One run of a prepared statement. Numbers of parameters and columns go up from 1 and 0 by themselves.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}
  Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement() {  // ready for its next run; the connection owns the statement itself
    if (statement_ != nullptr) {
      sqlite3_reset(statement_);
      sqlite3_clear_bindings(statement_);
    }
  }

  // The bytes must stay until the statement has run.
  Statement& blob(ByteView bytes);
  Statement& text(std::string_view text);
  Statement& number(std::uint64_t value);
  Statement& signed_number(std::int64_t value);
  Statement& null();

  bool step();                        // true: there is a row. False: done, or failed (see code())
  int code() const { return code_; }  // SQLITE_OK unless it failed
  bool failed() const { return code_ != SQLITE_OK; }

  ByteView next_blob();
  std::string next_text();
  std::uint64_t next_number();
  std::int64_t next_signed_number();
  bool next_is_null() const;  // looks at the next column without taking it
  void skip() { ++column_; }

 private:
  void bound(int code);

  sqlite3_stmt* statement_;
  int parameter_ = 0;
  int column_ = 0;
  int code_ = SQLITE_OK;
};

// Not thread-safe: each connection has a lock of its owner.
class Connection {
 public:
  enum class Access : std::uint8_t { write, read };
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Access access);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int execute(const char* sql);        // SQLITE_OK or what failed
  Statement prepare(const char* sql);  // `sql` must be a literal: prepared once for each address
  // How many rows the last statement has changed: costs less than to have them RETURNING something.
  int changes() const { return sqlite3_changes(database_); }
  std::int64_t total_changes() const { return sqlite3_total_changes64(database_); }  // rows, since it was opened
  bool in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }
  int extended_code() const { return sqlite3_extended_errcode(database_); }
  sqlite3* get() { return database_; }

 private:
  explicit Connection(sqlite3* database) : database_(database) {}

  sqlite3* database_;
  std::unordered_map<const void*, sqlite3_stmt*> prepared_;
};

}  // namespace qrx::store
