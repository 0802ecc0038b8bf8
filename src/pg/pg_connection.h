// A thin hold on libpq: a connection to PostgreSQL, statements and their rows, as values with one owner. Private to
// src/pg.
#pragma once

#include <libpq-fe.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace qrx::pg {

// Why a statement failed: its SQLSTATE, or 08006 when the connection is lost or the server is silent.
struct Failure {
  std::string state;
  std::string what;

  bool lost() const;   // of the connection, or of a server that takes no more changes: another one is to be made
  bool again() const;  // of somebody who was in the way: the transaction may be tried again
  [[nodiscard]] tl::unexpected<Error> error(std::string_view doing) const;
};

class Connection;

// One run of a statement, with the interface of store::Statement: parameters go up from the first, columns likewise by
// themselves. Whatever is text stands in the database as bytes, for strangers send what is no UTF-8.
class Statement {
 public:
  // '?' and '?2' in `sql` are parameters, the second form by its number.
  Statement(Connection& connection, std::string_view sql);

  // The bytes must stay until the statement has run.
  Statement& blob(ByteView bytes);
  Statement& text(std::string_view text) { return blob(as_bytes(text)); }
  Statement& number(std::uint64_t value) { return signed_number(static_cast<std::int64_t>(value)); }
  Statement& signed_number(std::int64_t value);
  Statement& null();

  bool step();  // runs it at first. True: there is a row. False: done, or failed
  bool failed() const { return failed_; }
  std::uint64_t changes();  // runs it: how many rows it has changed

  ByteView next_blob();
  std::string next_text() { return std::string(as_text(next_blob())); }
  std::uint64_t next_number() { return static_cast<std::uint64_t>(next_signed_number()); }
  std::int64_t next_signed_number();
  bool next_is_null() const;  // looks at the next column without taking it
  void skip() { ++column_; }

 private:
  struct Parameter {
    const char* bytes = nullptr;  // of a blob
    int size = 0;
    unsigned type = 0;
    std::array<char, 8> number{};
  };
  struct Free {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  friend class Connection;
  void run();
  bool send();                  // without waiting
  void take(PGresult* result);  // what came of it; null: nothing, the connection is lost

  Connection& connection_;
  std::string sql_;
  std::vector<Parameter> parameters_;
  std::unique_ptr<PGresult, Free> result_;
  bool ran_ = false, failed_ = false;
  int row_ = -1;
  int column_ = 0;
};

// For one thread at a time. Every statement has a deadline: a server that is silent for longer is given up.
class Connection {
 public:
  // Kind::unavailable when there is no such server, or it takes nobody.
  static Result<std::unique_ptr<Connection>> open(const std::string& dsn);
  ~Connection() = default;

  Statement prepare(std::string_view sql) { return {*this, sql}; }
  bool execute(const std::string& sql);  // several statements, without parameters or rows; false: it failed
  // All of them with one way to the server and back; after one that failed the others do nothing. False: one failed.
  bool run_together(std::span<Statement* const> statements);
  bool commit();  // false: it failed, or the transaction had failed before
  bool lost() const { return lost_; }
  const Failure& failure() const { return failure_; }  // of the last statement that failed
  PGconn* get() { return connection_.get(); }

  void set_silence(std::chrono::seconds silence) { silence_ = silence; }  // how long a statement may take

 private:
  friend class Statement;
  struct Close {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  explicit Connection(PGconn* connection) : connection_(connection) {}
  bool send_and_wait(bool sent);
  PGresult* last_result();            // of what was sent; the connection is ready for the next. Null: it is lost
  bool note(const PGresult* result);  // false: it failed
  void note_loss();

  std::unique_ptr<PGconn, Close> connection_;
  Failure failure_;
  std::chrono::seconds silence_{30};
  bool lost_ = false;
};

// Kind::usage, about `option`, when it is not a DSN, or has a password in it.
Result<void> check_dsn(const std::string& dsn, const std::string& option);

}  // namespace qrx::pg
