// Two nodes over one PostgreSQL, whatever their clients do in whatever order, and at once (tests/unit/space_nodes.h).
// QRX_POSTGRESQL is its address; each run makes a database of its own there. QRX_SEED and QRX_ROUNDS as in
// tests/unit/space_two_nodes_test.cpp.
#include "unit/catch.h"

#include <array>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "cluster/cutting_proxy.h"
#include "pg/crash_mark.h"
#include "pg/pg_catalog.h"
#include "pg/pg_connection.h"
#include "unit/space_nodes.h"

using namespace qrx;
using namespace qrx::test;

namespace {

unsigned number_of(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

std::string server() {
  const char* const address = std::getenv("QRX_POSTGRESQL");
  if (address == nullptr) throw std::runtime_error("QRX_POSTGRESQL is not set");
  return address;
}

// An empty database, as long as this lives.
class Database {
 public:
  Database() : name_("qrx_" + Id::random().text()) { execute("CREATE DATABASE " + name_); }
  ~Database() { execute("DROP DATABASE IF EXISTS " + name_ + " WITH (FORCE)"); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;
  std::string dsn() const { return server() + " dbname=" + name_; }
  std::string dsn(const CuttingProxy& proxy) const {
    return "host=" + proxy.directory() + " user=postgres dbname=" + name_;
  }

 private:
  static void execute(const std::string& sql) {
    auto connection = pg::Connection::open(server() + " dbname=postgres");
    if (!connection) throw std::runtime_error(connection.error().what);
    if (!(*connection)->execute(sql)) throw std::runtime_error((*connection)->failure().what);
  }
  const std::string name_;
};

std::unique_ptr<pg::PgCatalog> open_catalog(const Database& database) {
  auto opened = pg::PgCatalog::open(database.dsn(), {.most_connections = 12});
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

space::SpaceChange one_byte() {
  space::SpaceChange change;
  change.more.bytes = 1;
  return change;
}

void run(Nodes::Settings settings, unsigned rounds, unsigned steps) {
  const unsigned first = number_of("QRX_SEED", 1);
  rounds = std::getenv("QRX_SEED") != nullptr ? 1 : number_of("QRX_ROUNDS", rounds);
  for (unsigned round = 0; round < rounds; ++round) {
    const Database database;
    settings.open_catalog = [&] { return open_catalog(database); };
    settings.seed = first + round;
    try {
      Nodes nodes(settings);
      for (unsigned step = 0; step < steps; ++step) nodes.step();
      nodes.finish();
      CHECK(nodes.done("look") > 0);
    } catch (const std::exception& broken) {
      FAIL("QRX_SEED=" << settings.seed << ": " << broken.what());
    }
  }
}

}  // namespace

TEST_CASE("two nodes over PostgreSQL: what was acknowledged stays, whatever happens in between") {
  run({.anywhere = true, .limits = false}, 6, 400);
}

TEST_CASE("two nodes over PostgreSQL: no more is taken than a space allows") {
  run({.anywhere = true, .limits = true}, 6, 400);
}

TEST_CASE("an address with a password, or none, is refused; so is a server that is not there") {
  const auto with_password = pg::PgCatalog::open("postgresql://qrx:secret@localhost/qrx", {});
  REQUIRE(!with_password);
  CHECK(with_password.error().kind == Kind::usage);
  CHECK(with_password.error().what.find("secret") == std::string::npos);
  CHECK(kind_of(pg::PgCatalog::open("postgresql://[::1/qrx", {})) == Kind::usage);
  const auto nobody = pg::PgCatalog::open("postgresql://127.0.0.1:1/qrx", {});
  REQUIRE(!nobody);
  CHECK(nobody.error().kind == Kind::unavailable);
}

TEST_CASE("the tables are made once, and those of a newer program are left alone") {
  const Database database;
  std::array<std::unique_ptr<pg::PgCatalog>, 4> catalogs;
  std::vector<std::thread> threads;
  for (auto& catalog : catalogs) threads.emplace_back([&] { catalog = open_catalog(database); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& catalog : catalogs) REQUIRE(catalog != nullptr);
  CHECK(*pg::PgCatalog::migrate(database.dsn()) == false);

  auto connection = pg::Connection::open(database.dsn());
  REQUIRE(connection);
  REQUIRE((*connection)->execute("UPDATE qrx SET version=1000"));
  CHECK(pg::PgCatalog::open(database.dsn(), {}).has_value());  // which says that this program may still write them
  REQUIRE((*connection)->execute("UPDATE qrx SET writes_since=1000"));
  CHECK(kind_of(pg::PgCatalog::open(database.dsn(), {})) == Kind::usage);
  REQUIRE((*connection)->execute("UPDATE qrx SET version=0,writes_since=0"));
  CHECK(kind_of(pg::PgCatalog::open(database.dsn(), {})) == Kind::unavailable);
}

TEST_CASE("the tables of the version before are brought up to date once, and its nodes go on meanwhile") {
  const Database database;
  (void)open_catalog(database);
  auto connection = pg::Connection::open(database.dsn());
  REQUIRE(connection);
  REQUIRE((*connection)
              ->execute("DROP INDEX shares_by_recipient; DROP TABLE totals; DROP TABLE crash_marks; "
                        "ALTER TABLE nodes DROP COLUMN name, DROP COLUMN policy; UPDATE qrx SET version=3"));
  CHECK(kind_of(pg::PgCatalog::open(database.dsn(), {})) == Kind::unavailable);
  CHECK(*pg::PgCatalog::migrate(database.dsn()) == true);
  CHECK(*pg::PgCatalog::migrate(database.dsn()) == false);
  // What a node of that version does.
  REQUIRE((*connection)->execute("INSERT INTO nodes(node,version) VALUES('\\x01','before')"));
  const auto catalog = open_catalog(database);
  CHECK(catalog->totals());
  const auto plan = [&connection](const char* sql) {
    std::string out;
    for (pg::Statement row = (*connection)->prepare(sql); row.step();) out += row.next_text() + "\n";
    return out;
  };
  REQUIRE((*connection)->execute("SET enable_seqscan=off"));
  CHECK(plan("EXPLAIN SELECT * FROM shares WHERE guid='\\x00' AND sha256(recipient)=sha256('a') AND recipient='a'")
            .find("shares_by_recipient") != std::string::npos);
}

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

TEST_CASE("what all spaces hold is counted once for all nodes, and is a second old at most") {
  const Database database;
  std::array<std::unique_ptr<pg::PgCatalog>, 2> nodes{open_catalog(database), open_catalog(database)};
  CHECK(nodes[0]->totals()->spaces == 0);
  space::SpaceRow row;
  row.guid = Guid::random();
  row.limits.max_size = 100;
  REQUIRE(nodes[0]->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    (void)transaction.change_space(row.guid, one_byte());
    return {};
  }));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (nodes[1]->totals()->spaces == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(Millis(50));
  CHECK(nodes[1]->totals()->spaces == 1);
  CHECK(nodes[0]->totals()->bytes == 1);
}

TEST_CASE("names that are no UTF-8 stand in the catalog as they were sent") {
  const Database database;
  const auto catalog = open_catalog(database);
  space::SpaceRow row;
  row.guid = Guid::random();
  row.label = std::string("a\0b\xff'\"\\", 7);
  row.limits.max_size = ~std::uint64_t{0} >> 1;
  REQUIRE(catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  }));
  const auto state = *catalog->space(row.guid);
  REQUIRE(state != nullptr);
  CHECK(state->space.label == row.label);
  CHECK(state->space.limits.max_size == row.limits.max_size);
}

// Works about one space, each of which reads what it changes: none may see what another is about to replace.
TEST_CASE("works about one space run one after another, those of other nodes too") {
  const Database database;
  std::array<std::unique_ptr<pg::PgCatalog>, 2> nodes{open_catalog(database), open_catalog(database)};
  space::SpaceRow row;
  row.guid = Guid::random();
  row.limits.max_size = 10'000;
  REQUIRE(nodes[0]->change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  }));
  const auto add_one = [&](space::Transaction& transaction) -> Result<void> {
    auto now = transaction.space(row.guid);
    if (!now) return fail(Kind::not_found, "it is gone");
    now->space.limits.max_files += 1;
    transaction.put_space(now->space);
    return {};
  };
  constexpr unsigned workers = 8, times = 25;
  std::atomic<unsigned> failed{0};
  std::mutex mutex;
  std::set<std::uint64_t> versions;
  std::vector<std::thread> threads;
  for (unsigned worker = 0; worker < workers; ++worker)
    threads.emplace_back([&, worker] {
      for (unsigned time = 0; time < times; ++time) {
        space::Catalog& node = *nodes[(worker + time) % nodes.size()];
        if (!node.change(space::Durability::lazy, add_one)) ++failed;
        std::uint64_t version = 0;
        if (!node.change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
              version = transaction.change_space(row.guid, one_byte()).head.seq;
              return {};
            }))
          ++failed;
        const std::lock_guard lock(mutex);
        versions.insert(version);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(versions.size() == workers * times);
  for (const auto& node : nodes) {
    const auto state = *node->space(row.guid);
    CHECK(state->space.limits.max_files == row.limits.max_files + workers * times);
    CHECK(state->space.use.bytes == workers * times);
  }
}

// The client cannot tell whether its transaction is committed: it must find out, and neither lose nor repeat it.
TEST_CASE("a connection that breaks at a COMMIT: each change is made once") {
  const Database database;
  const std::string address = server();
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

namespace {

class Heard final : public space::NodeEvents {
 public:
  void heard(const Id& topic) override {
    const std::lock_guard lock(mutex_);
    topics_.insert(topic);
    changed_.notify_all();
  }
  void missed() override {
    const std::lock_guard lock(mutex_);
    ++missed_;
    changed_.notify_all();
  }
  void cut_off() override {}
  void disagrees(const space::NodeCard& other) override {
    const std::lock_guard lock(mutex_);
    others_.push_back(other.name + ": " + other.policy);
    changed_.notify_all();
  }
  bool others(std::size_t count, std::chrono::seconds most) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, most, [&] { return others_.size() >= count; });
  }
  std::vector<std::string> others() {
    const std::lock_guard lock(mutex_);
    return others_;
  }
  bool wait_for(const Id& topic) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, Seconds(10), [&] { return topics_.contains(topic); });
  }
  bool wait_for_missed(unsigned times) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, Seconds(20), [&] { return missed_ >= times; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::set<Id> topics_;
  unsigned missed_ = 0;
  std::vector<std::string> others_;
};

}  // namespace

TEST_CASE("what one node tells the others hear, and a listener that was cut off says that it missed something") {
  const Database database;
  Heard heard;
  const auto speaker = open_catalog(database), listener = open_catalog(database);
  listener->join(heard);
  REQUIRE(heard.wait_for_missed(1));  // from now on it listens
  std::vector<Id> topics;
  for (unsigned number = 0; number < 1000; ++number) topics.push_back(Id::random());
  for (const Id& topic : topics) speaker->tell(topic, topic.bytes[0] % 2 == 0);
  for (const Id& topic : topics) CHECK(heard.wait_for(topic));
  CHECK(listener->health());

  auto connection = pg::Connection::open(database.dsn());
  REQUIRE(connection);
  REQUIRE((*connection)->execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query='LISTEN qrx1'"));
  CHECK(heard.wait_for_missed(2));
  const Id later = Id::random();
  speaker->tell(later, false);
  CHECK(heard.wait_for(later));
  listener->leave();
}

TEST_CASE("nodes that allow something else are told to each other once; those that say the same, or nothing, are not") {
  const Database database;
  Heard heard;
  const auto one = open_catalog(database), two = open_catalog(database), silent = open_catalog(database);
  one->join(heard);
  one->introduce({"one", "max-size 1\n"});
  two->introduce({"two \"quoted\"", "max-size 1\n"});
  std::this_thread::sleep_for(Seconds(5));  // two beats
  CHECK(heard.others().empty());
  two->introduce({"two", "max-size 2\n"});
  REQUIRE(heard.others(1, Seconds(15)));
  std::this_thread::sleep_for(Seconds(5));
  CHECK(heard.others() == std::vector<std::string>{"two: max-size 2\n"});
  one->introduce({"one", "max-size 3\n"});  // another difference
  CHECK(heard.others(2, Seconds(15)));
  Measures measures;
  one->measure(measures);
  const std::string text = text_of(measures);
  CHECK(text.find("\nqrx_nodes 3\n") != std::string::npos);
  CHECK(text.find("\nqrx_nodes_disagreeing 1\n") != std::string::npos);
  CHECK(text.find("\nqrx_listener_up 1\n") != std::string::npos);
  CHECK(text.find("name=\"one\"") != std::string::npos);
  one->leave();
}

TEST_CASE("what a node was at when it ended is nobody's: its limited downloads, its notices") {
  const Database database;
  auto gone = open_catalog(database);
  const auto stays = open_catalog(database);
  space::SpaceRow row;
  row.guid = Guid::random();
  space::ShareRow share;
  share.share = Id::random();
  share.guid = row.guid;
  const space::TransferLease lease{Id::random(), share.share, Id::random(), Id::random(), 0, 10, WallTime{}};
  space::NoticeRow notice;
  notice.share = share.share;
  notice.guid = row.guid;
  notice.claimed = true;
  REQUIRE(gone->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    transaction.put_share(share);
    transaction.put_lease(lease);
    transaction.put_notice(notice);
    return {};
  }));
  const auto leases = [&] {
    std::size_t count = 0;
    REQUIRE(stays->change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
      count = transaction.leases(share.share, lease.file, WallTime{}).size();
      return {};
    }));
    return count;
  };
  CHECK(leases() == 1);
  CHECK(stays->claimed_notices()->empty());
  gone.reset();
  CHECK(leases() == 0);
  CHECK(stays->claimed_notices()->size() == 1);
}
