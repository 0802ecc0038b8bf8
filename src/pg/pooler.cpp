#include "pg/pooler.h"

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <optional>

#include "wire/id.h"

namespace qrx::pg {
namespace {

using std::chrono::steady_clock;

constexpr const char* asking = "cannot ask the catalog what is in between";
constexpr const char* channel = "qrxstart";  // of starts only: nobody who runs is disturbed
constexpr std::chrono::seconds comes_within{10};

// PostgreSQL says the number of its process to each client, with which that may cancel a statement. A pooler, which
// gives a client now this process and now that, says a number of its own.
std::optional<bool> is_direct(Connection& connection) {
  Statement row = connection.prepare("SELECT pg_backend_pid()::bigint");
  if (!row.step()) return std::nullopt;
  return row.next_signed_number() == PQbackendPID(connection.get());
}

bool takes_transactions(Connection& connection) {
  return connection.execute("BEGIN") && connection.execute("COMMIT");
}

// Takes what has come. True: `word` was among it.
bool has_come(Connection& connection, const std::string& word) {
  bool found = false;
  while (PGnotify* const heard = PQnotifies(connection.get())) {
    found = found || word == heard->extra;
    PQfreemem(heard);
  }
  return found;
}

// Whether what is told by one connection comes to the other, which listens.
Result<bool> hears(Connection& speaker, Connection& listener) {
  const std::string word = Id::random().text();
  if (!listener.execute(std::string("LISTEN ") + channel)) return listener.failure().error(asking);
  if (!speaker.execute(std::string("NOTIFY ") + channel + ", '" + word + "'")) return speaker.failure().error(asking);
  // The speaker never said LISTEN: the process of the server that did is not the listener's any more.
  if (has_come(speaker, word)) return false;
  for (const auto until = steady_clock::now() + comes_within; !has_come(listener, word);) {
    const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_clock::now()).count();
    if (rest <= 0) return false;
    pollfd ready{PQsocket(listener.get()), POLLIN, 0};
    // Nothing is asked of it meanwhile: with a question a pooler would hand it what another one should have heard.
    if (::poll(&ready, 1, static_cast<int>(rest)) > 0 && PQconsumeInput(listener.get()) == 0)
      return fail(Kind::unavailable, std::string(asking) + ": the connection is lost");
  }
  return true;
}

Result<void> check_pooler(Connection& connection, const std::string& dsn, const std::string& listen_dsn) {
  const auto direct = is_direct(connection);
  if (!direct) return connection.failure().error(asking);
  if (!*direct && !takes_transactions(connection)) {
    // Where each statement goes its own way (pool_mode=statement), PgBouncer hangs up. So does a server that crashes
    // just now, but not twice.
    auto again = Connection::open(dsn);
    if (!again) return tl::unexpected(again.error());
    if (!is_direct(**again) || takes_transactions(**again)) return connection.failure().error(asking);
    return fail(Kind::usage, "the pooler of --catalog pools statements, and takes no transactions",
                "set pool_mode=transaction there, and name the database itself with --catalog-listen");
  }
  if (*direct && listen_dsn.empty()) return {};
  auto listener = Connection::open(listen_dsn.empty() ? dsn : listen_dsn);
  if (!listener) return tl::unexpected(listener.error());
  const auto listener_direct = is_direct(**listener);
  if (!listener_direct) return (*listener)->failure().error(asking);
  const auto heard = hears(connection, **listener);
  if (!heard) return tl::unexpected(heard.error());
  if (*heard) return {};
  if (*listener_direct) return fail(Kind::usage, "--catalog-listen is not the database of --catalog");
  // The process of the server that listens now would hand what it hears to strangers, or keep it.
  (*listener)->execute("UNLISTEN *");
  if (listen_dsn.empty())
    return fail(Kind::usage, "the pooler of --catalog pools transactions, through which no server hears another",
                "name the database itself with --catalog-listen");
  return fail(Kind::usage, "the pooler of --catalog-listen pools transactions, through which no server hears another",
              "name the database itself there");
}

}  // namespace

Result<std::unique_ptr<Connection>> open_checked(const std::string& dsn, const std::string& listen_dsn) {
  if (auto good = check_dsn(dsn, "--catalog"); !good) return tl::unexpected(good.error());
  if (auto good = check_dsn(listen_dsn, "--catalog-listen"); !good) return tl::unexpected(good.error());
  auto connection = Connection::open(dsn);
  if (!connection) return connection;
  if (auto good = check_pooler(**connection, dsn, listen_dsn); !good) return tl::unexpected(good.error());
  return connection;
}

}  // namespace qrx::pg
