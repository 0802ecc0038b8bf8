#include "store/sqlite.h"

namespace qrx::store {

tl::unexpected<Error> fail_sqlite(int code, std::string_view doing) {
  Kind kind = Kind::other;
  switch (code & 0xFF) {
    case SQLITE_FULL:
      kind = Kind::no_room;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
      kind = Kind::unavailable;
      break;
    default:
      break;
  }
  return fail(kind, std::string(doing) + ": " + sqlite3_errstr(code));
}

void Statement::bound(int code) {
  // The first failure counts; step() then runs nothing.
  if (code != SQLITE_OK && code_ == SQLITE_OK) code_ = code;
}

Statement& Statement::blob(ByteView bytes) {
  // SQLITE_STATIC: not copied; the bytes stay until the statement has run.
  bound(sqlite3_bind_blob64(statement_, ++parameter_, bytes.data(), bytes.size(), SQLITE_STATIC));
  return *this;
}

Statement& Statement::text(std::string_view text) {
  // A null pointer would bind NULL.
  const char* start = text.data() == nullptr ? "" : text.data();
  bound(sqlite3_bind_text64(statement_, ++parameter_, start, text.size(), SQLITE_STATIC, SQLITE_UTF8));
  return *this;
}

Statement& Statement::number(std::uint64_t value) {
  return signed_number(static_cast<std::int64_t>(value));
}

Statement& Statement::signed_number(std::int64_t value) {
  bound(sqlite3_bind_int64(statement_, ++parameter_, value));
  return *this;
}

Statement& Statement::null() {
  bound(sqlite3_bind_null(statement_, ++parameter_));
  return *this;
}

bool Statement::step() {
  if (statement_ == nullptr && code_ == SQLITE_OK) code_ = SQLITE_ERROR;
  if (code_ != SQLITE_OK) return false;
  column_ = 0;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) code_ = code;
  return false;
}

ByteView Statement::next_blob() {
  const int column = column_++;
  const void* bytes = sqlite3_column_blob(statement_, column);
  // In this order: asking for the blob may convert the value, which changes its length (sqlite3_column_blob).
  return {static_cast<const std::byte*>(bytes), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::string Statement::next_text() {
  const int column = column_++;
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return {};
  return {reinterpret_cast<const char*>(text), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::uint64_t Statement::next_number() {
  return static_cast<std::uint64_t>(next_signed_number());
}

std::int64_t Statement::next_signed_number() {
  return sqlite3_column_int64(statement_, column_++);
}

bool Statement::next_is_null() const {
  return sqlite3_column_type(statement_, column_) == SQLITE_NULL;
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Access access) {
  sqlite3* database = nullptr;
  // The file exists by now, made with mode 0600, which SQLite gives to its side files too.
  const int flags = SQLITE_OPEN_NOMUTEX | (access == Access::write ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY);
  const int code = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  std::unique_ptr<Connection> connection(new Connection(database));
  if (code != SQLITE_OK) return fail_sqlite(code, "cannot open the catalog " + path);
  // To tell a failed fsync from other I/O errors (CatalogWriter::run).
  sqlite3_extended_result_codes(database, 1);
  // Within this process locks keep them apart; this is for `sqlite3` in the hands of an operator, and for backups.
  sqlite3_busy_timeout(database, 5000);
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : prepared_) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

int Connection::execute(const char* sql) {
  return sqlite3_exec(database_, sql, nullptr, nullptr, nullptr);
}

Statement Connection::prepare(const char* sql) {
  // By address: literals have one, and no text is compared at each run.
  sqlite3_stmt*& statement = prepared_[sql];
  if (statement == nullptr) sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return Statement(statement);
}

}  // namespace qrx::store
