#include "pg/pg_connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>

namespace qrx::pg {
namespace {

// Their numbers in pg_type, which never change.
constexpr unsigned type_bytea = 17, type_int8 = 20;
constexpr const char* connection_lost = "08006";

// The first line, without what libpq puts in front: it tells more than one sentence has room for.
std::string first_line(std::string_view text) {
  for (const std::string_view front : {"FATAL:  ", "ERROR:  "})
    if (text.starts_with(front)) text.remove_prefix(front.size());
  text = text.substr(0, text.find('\n'));
  while (!text.empty() && (text.back() == ' ' || text.back() == '.')) text.remove_suffix(1);
  return std::string(text);
}

bool is_one_of(std::string_view state, std::initializer_list<std::string_view> states) {
  return std::find(states.begin(), states.end(), state) != states.end();
}

// A refusal has no SQLSTATE here, and its words may be of any language: what is sure is whether a password was asked
// for, and whether the server said anything at all (FATAL).
std::string what_to_do(PGconn* connection) {
  if (PQconnectionNeedsPassword(connection) == 1)
    return "put the password into ~/.pgpass of the user that runs this, or name a file with passfile=FILE";
  if (PQconnectionUsedPassword(connection) == 1)
    return "check the user, and the password in ~/.pgpass or passfile=FILE";
  if (std::string_view(PQerrorMessage(connection)).find("FATAL") != std::string_view::npos)
    return "check user and database of --catalog: both are made before the first start (qrx-cluster(7))";
  return "check host and port of --catalog, and that PostgreSQL runs there, as a primary";
}

}  // namespace

bool Failure::lost() const {
  // 25006: a primary that has become a standby; 57P0x: it shuts down or starts; 25P03: a pause of ours was too long.
  return state.starts_with("08") || is_one_of(state, {"57P01", "57P02", "57P03", "25006", "25P03"});
}

bool Failure::again() const {
  // Serialization failure, deadlock, lock_timeout.
  return is_one_of(state, {"40001", "40P01", "55P03"});
}

tl::unexpected<Error> Failure::error(std::string_view doing) const {
  const std::string told = std::string(doing) + ": " + what;
  if (state == "42501") return fail(Kind::unavailable, told, "make the user of --catalog the owner of its database");
  if (state == "25006") return fail(Kind::unavailable, told, "name the primary, or both, with --catalog");
  // 53100: the disk of the database is full. Anything else may be over soon, or needs the operator.
  return fail(state == "53100" ? Kind::no_room : Kind::unavailable, told);
}

// '?' becomes $1, $2, ...; a question mark within quotes would be one, too, and no statement has any.
Statement::Statement(Connection& connection, std::string_view sql) : connection_(connection) {
  unsigned last = 0;
  sql_.reserve(sql.size() + 32);
  for (std::size_t at = 0; at < sql.size(); ++at) {
    if (sql[at] != '?') {
      sql_ += sql[at];
      continue;
    }
    sql_ += '$';
    const bool named = at + 1 < sql.size() && sql[at + 1] >= '0' && sql[at + 1] <= '9';
    if (!named) sql_ += std::to_string(++last);
  }
}

Statement& Statement::blob(ByteView bytes) {
  static constexpr char nothing = 0;  // a pointer that is null would be NULL
  const char* const at = bytes.empty() ? &nothing : reinterpret_cast<const char*>(bytes.data());
  parameters_.push_back({at, static_cast<int>(bytes.size()), type_bytea, {}});
  return *this;
}

Statement& Statement::signed_number(std::int64_t value) {
  Parameter& parameter = parameters_.emplace_back();
  parameter.type = type_int8;
  parameter.size = sizeof value;
  for (unsigned byte = 0; byte < sizeof value; ++byte)
    // int8 in its binary form: eight bytes, the highest first.
    parameter.number[byte] = static_cast<char>(static_cast<std::uint64_t>(value) >> (56 - 8 * byte));
  return *this;
}

Statement& Statement::null() {
  parameters_.emplace_back();
  return *this;
}

bool Statement::send() {
  ran_ = true;
  std::vector<const char*> values;
  std::vector<int> sizes, formats(parameters_.size(), 1);
  std::vector<Oid> types;
  for (const Parameter& one : parameters_) {
    values.push_back(one.type == type_int8 ? one.number.data() : one.bytes);
    sizes.push_back(one.size);
    types.push_back(one.type);
  }
  // Parameters and results in binary form (the 1 at the end): ids and texts of strangers go as they are, without
  // quoting.
  return !connection_.lost() && PQsendQueryParams(connection_.get(), sql_.c_str(), static_cast<int>(parameters_.size()),
                                                  types.data(), values.data(), sizes.data(), formats.data(), 1) == 1;
}

void Statement::take(PGresult* result) {
  result_.reset(result);
  failed_ = !connection_.note(result);
}

void Statement::run() {
  take(connection_.send_and_wait(send()) ? connection_.last_result() : nullptr);
}

bool Statement::step() {
  if (!ran_) run();
  column_ = 0;
  return !failed_ && ++row_ < PQntuples(result_.get());
}

std::uint64_t Statement::changes() {
  if (!ran_) run();
  if (failed_) return 0;
  const std::string_view count = PQcmdTuples(result_.get());
  std::uint64_t changed = 0;
  for (const char digit : count) changed = changed * 10 + static_cast<unsigned>(digit - '0');
  return changed;
}

ByteView Statement::next_blob() {
  const char* const value = PQgetvalue(result_.get(), row_, column_);
  const auto size = static_cast<std::size_t>(PQgetlength(result_.get(), row_, column_));
  ++column_;
  return as_bytes(std::string_view(value, size));
}

std::int64_t Statement::next_signed_number() {
  std::uint64_t value = 0;
  for (const std::byte byte : next_blob()) value = value << 8 | static_cast<std::uint64_t>(byte);
  return static_cast<std::int64_t>(value);
}

bool Statement::next_is_null() const {
  return PQgetisnull(result_.get(), row_, column_) == 1;
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& dsn) {
  // What the DSN says of these comes later, and wins. A server that has vanished is noticed in ten seconds; of several
  // the primary is taken, for a standby is of no use to a node.
  static constexpr std::array<const char*, 9> names{"connect_timeout",      "tcp_user_timeout", "keepalives_idle",
                                                    "keepalives_interval",  "keepalives_count", "application_name",
                                                    "target_session_attrs", "dbname",           nullptr};
  // In seconds, but for tcp_user_timeout, which is in milliseconds.
  const std::array<const char*, 9> values{"5", "10000", "5", "2", "3", "qrx-serve", "read-write", dsn.c_str(), nullptr};
  std::unique_ptr<Connection> made(new Connection(PQconnectdbParams(names.data(), values.data(), 1)));
  PGconn* const connection = made->get();
  if (connection == nullptr) return fail(Kind::unavailable, "cannot connect to the catalog: out of memory");
  if (PQstatus(connection) != CONNECTION_OK)
    return fail(Kind::unavailable, "cannot connect to the catalog: " + first_line(PQerrorMessage(connection)),
                what_to_do(connection));
  // So that every wait is ours, with a deadline (send_and_wait).
  PQsetnonblocking(connection, 1);
  // libpq would print notices to stderr.
  PQsetNoticeProcessor(
      connection, [](void*, const char*) {}, nullptr);
  if (made->lost()) return made->failure().error("cannot connect to the catalog");
  return made;
}

void Connection::note_loss() {
  lost_ = true;
  std::string what = first_line(PQerrorMessage(get()));
  failure_ = {connection_lost, what.empty() ? "the connection is lost" : std::move(what)};
}

// Hands over what was queued, and waits until its result is there whole.
bool Connection::send_and_wait(bool sent) {
  if (lost_) return false;
  const auto until = std::chrono::steady_clock::now() + silence_;
  while (sent) {
    // Reads while it writes: a server that sends much before it has read all would otherwise wait for us as we wait for
    // it.
    const int left = PQflush(get());
    if (left < 0 || (left == 0 && PQconsumeInput(get()) == 0)) break;
    if (left == 0 && PQisBusy(get()) == 0) return true;
    const auto rest =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd ready{PQsocket(get()), static_cast<short>(left > 0 ? POLLIN | POLLOUT : POLLIN), 0};
    const int polled = rest <= 0 ? 0 : ::poll(&ready, 1, static_cast<int>(rest));
    // The server may be alive and the statement still running: nothing that comes later could be told apart, so the
    // connection goes.
    if (polled == 0) {
      lost_ = true;
      failure_ = {connection_lost, "the database is silent"};
      return false;
    }
    if (polled < 0 && errno != EINTR) break;
    if ((ready.revents & POLLIN) != 0 && PQconsumeInput(get()) == 0) break;
  }
  note_loss();
  return false;
}

PGresult* Connection::last_result() {
  PGresult* last = nullptr;
  while (send_and_wait(true)) {
    PGresult* const next = PQgetResult(get());
    if (next == nullptr) return last;
    // Of several statements the first that failed ends them all.
    PQclear(last);
    last = next;
  }
  PQclear(last);
  return nullptr;
}

bool Connection::note(const PGresult* result) {
  if (result == nullptr) {
    if (!lost_) note_loss();
    return false;
  }
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return true;
  if (status == PGRES_PIPELINE_ABORTED) return false;  // one before it failed, and said why
  const char* const state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* const what = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  failure_ = {state == nullptr ? connection_lost : state,
              first_line(what == nullptr ? PQresultErrorMessage(result) : what)};
  if (PQstatus(get()) == CONNECTION_BAD || failure_.lost()) lost_ = true;
  return false;
}

bool Connection::execute(const std::string& sql) {
  const bool sent = !lost_ && PQsendQuery(get(), sql.c_str()) == 1;
  PGresult* const result = send_and_wait(sent) ? last_result() : nullptr;
  const bool done = note(result);
  PQclear(result);
  return done;
}

bool Connection::run_together(std::span<Statement* const> statements) {
  bool sent = !lost_ && PQenterPipelineMode(get()) == 1;
  for (Statement* const statement : statements) sent = sent && statement->send();
  sent = sent && PQpipelineSync(get()) == 1;
  bool done = true;
  // Each has its result and the end of it; what comes after all of them is the sign that this was all.
  for (Statement* const statement : statements) {
    statement->take(send_and_wait(sent) ? last_result() : nullptr);
    done = done && !statement->failed();
  }
  if (lost_ || !send_and_wait(true)) return false;
  PGresult* const end = PQgetResult(get());
  const bool in_step = PQresultStatus(end) == PGRES_PIPELINE_SYNC;
  PQclear(end);
  if (in_step && PQexitPipelineMode(get()) == 1) return done;
  note_loss();
  return false;
}

bool Connection::commit() {
  const bool sent = !lost_ && PQsendQuery(get(), "COMMIT") == 1;
  PGresult* const result = send_and_wait(sent) ? last_result() : nullptr;
  bool done = note(result);
  // COMMIT of a failed transaction succeeds, and says ROLLBACK.
  if (done && std::string_view(PQcmdStatus(result)) != "COMMIT") {
    failure_ = {"25P02", "the transaction had failed before"};
    done = false;
  }
  PQclear(result);
  return done;
}

// The address stands on the command line, which `ps` shows to everyone.
Result<void> check_dsn(const std::string& dsn, const std::string& given_by) {
  char* reason = nullptr;
  PQconninfoOption* const options = PQconninfoParse(dsn.c_str(), &reason);
  if (options == nullptr) {
    std::string what = first_line(reason == nullptr ? "out of memory" : reason);
    PQfreemem(reason);
    return fail(Kind::usage, given_by + " is not an address of PostgreSQL: " + what);
  }
  bool secret = false;
  for (const PQconninfoOption* option = options; option->keyword != nullptr; ++option) {
    const std::string_view name = option->keyword;
    secret = secret || (option->val != nullptr && (name == "password" || name == "sslpassword"));
  }
  PQconninfoFree(options);
  if (secret)
    return fail(Kind::usage, given_by + " may not contain a password: everyone on this machine can read it",
                "put the password into ~/.pgpass (or passfile=FILE), or name a service=NAME");
  return {};
}

}  // namespace qrx::pg
