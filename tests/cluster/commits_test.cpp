// What became of a transaction whose connection broke.
#include "cluster/pg_database.h"

#include <array>
#include <thread>

#include "pg/crash_mark.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("what became of a transaction is known until the database crashes, and not of one from before that") {
  const Database database;
  (void)open_catalog(database);
  const auto connect = [&database] {
    auto made = pg::Connection::open(database.dsn());
    REQUIRE(made);
    return std::move(*made);
  };
  const auto transaction = [](pg::Connection& connection, const char* end) {
    REQUIRE(connection.execute("BEGIN"));
    pg::Statement row = connection.prepare("SELECT pg_current_xact_id()");
    REQUIRE(row.step());
    const std::int64_t number = row.next_signed_number();
    REQUIRE(connection.execute(end));
    return number;
  };
  auto connection = connect();
  pg::CrashMark crashes(Id::random());
  CHECK(crashes.current() == 0);
  REQUIRE(connection->execute("INSERT INTO nodes(node,version) VALUES('\\x01','one')"));
  REQUIRE(crashes.renew(*connection));
  const std::int64_t before = crashes.current();
  REQUIRE(before == 1);
  REQUIRE(crashes.renew(*connection));
  CHECK(crashes.current() == before);
  const auto outcome = [&](std::int64_t number, std::int64_t mark) {
    return pg::outcome_of(*connection, number, crashes.node(), mark);
  };
  const std::int64_t committed = transaction(*connection, "COMMIT"), undone = transaction(*connection, "ROLLBACK");
  CHECK(outcome(committed, before) == pg::Outcome::committed);
  CHECK(outcome(undone, before) == pg::Outcome::undone);
  CHECK(outcome(committed, 0) == pg::Outcome::unknown);

  REQUIRE(std::system(std::getenv("QRX_CRASH_POSTGRESQL")) == 0);
  connection = connect();
  // Its number may be that of another transaction now.
  CHECK(outcome(committed, before) == pg::Outcome::unknown);
  // Nothing of it was written, so its number is still to come: then PostgreSQL refuses the question.
  CHECK(outcome(undone, before) != pg::Outcome::committed);
  REQUIRE(crashes.renew(*connection));
  CHECK(crashes.current() == before + 1);
  CHECK(outcome(transaction(*connection, "COMMIT"), crashes.current()) == pg::Outcome::committed);
  CHECK(outcome(committed, before) == pg::Outcome::unknown);
}

// The client cannot tell whether its transaction is committed: it must find out, and neither lose nor repeat it.
TEST_CASE("a connection that breaks at a COMMIT: each change is made once") {
  const Database database;
  const std::string address = server_address();
  const auto host = address.find("host=") + 5;
  CuttingProxy proxy(address.substr(host, address.find(' ', host) - host) + "/.s.PGSQL.5432");
  auto opened = pg::PgCatalog::open(database.dsn(proxy), {.listen_dsn = database.dsn()});
  REQUIRE(opened);
  space::Catalog& catalog = **opened;
  space::SpaceRow row;
  row.guid = Guid::random();
  REQUIRE(catalog.change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  }));
  constexpr unsigned times = 60;
  for (unsigned time = 0; time < times; ++time) {
    proxy.next = time % 3 == 0   ? CuttingProxy::Cut::before
                 : time % 3 == 1 ? CuttingProxy::Cut::after
                                 : CuttingProxy::Cut::nothing;
    const auto changed = catalog.change(time % 2 == 0 ? space::Durability::durable : space::Durability::lazy,
                                        [&](space::Transaction& transaction) -> Result<void> {
                                          transaction.change_space(row.guid, one_byte());
                                          return {};
                                        });
    CHECK(changed);
  }
  CHECK(proxy.cuts >= times / 2);
  CHECK((*catalog.space(row.guid))->space.use.bytes == times);
}
