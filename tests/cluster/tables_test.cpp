// The tables in PostgreSQL, and what stands in them.
#include "cluster/pg_database.h"

#include <array>
#include <thread>

#include "unit/space_world.h"

using namespace qrx;
using namespace qrx::test;

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
  REQUIRE(
      (*connection)
          ->execute(
              "DROP TABLE gone_deliveries; DROP INDEX shares_by_recipient; DROP TABLE totals; DROP TABLE crash_marks; "
              "ALTER TABLE nodes DROP COLUMN name, DROP COLUMN policy; "
              "ALTER TABLE spaces DROP COLUMN texts, DROP COLUMN packs; UPDATE qrx SET version=3"));
  // Its names and messages count from then on, in bytes; what is only announced does not.
  REQUIRE(
      (*connection)
          ->execute("INSERT INTO spaces(guid,owner_hash,label,key,seal,max_size,max_files,created,expires,phase,seq) "
                    "VALUES('\\x01','','','',0,0,0,1,2,0,1),('\\x02','','','',0,0,0,1,2,0,1); "
                    "INSERT INTO deliveries(delivery,guid,message,created,committed) "
                    "VALUES('\\x0a','\\x01','words',1,2),('\\x0b','\\x01','not yet',1,NULL); "
                    "INSERT INTO files(file,delivery,guid,name,size,type,xxh128,sealed,blob,blob_offset,executable) "
                    "VALUES('\\x0c','\\x0a','\\x01','\\xc3a4',7,'','',0,'',0,0); "
                    "INSERT INTO uploads(upload,delivery,guid,name,metadata,\"offset\",epoch,blob,lone,partial,"
                    "damaged,created,expires) VALUES('\\x0d','\\x0b','\\x01','abc','',1,1,'',0,0,0,1,2),"
                    "('\\x0e','\\x0b','\\x01','announced','',0,1,'',0,0,0,1,2)"));
  CHECK(kind_of(pg::PgCatalog::open(database.dsn(), {})) == Kind::unavailable);
  CHECK(*pg::PgCatalog::migrate(database.dsn()) == true);
  CHECK(*pg::PgCatalog::migrate(database.dsn()) == false);
  // What a node of that version does.
  REQUIRE((*connection)->execute("INSERT INTO nodes(node,version) VALUES('\\x01','before')"));
  REQUIRE(
      (*connection)
          ->execute("INSERT INTO spaces(guid,owner_hash,label,key,seal,max_size,max_files,created,expires,phase,seq) "
                    "VALUES('\\x00000000000000000000000000000003','','','',0,0,0,1,2,0,1)"));
  const auto catalog = open_catalog(database);
  Guid made_before;
  made_before.bytes.back() = decltype(made_before.bytes)::value_type{3};
  CHECK_FALSE((*catalog->space(made_before))->space.packs);
  CHECK(catalog->totals()->bytes == 5 + 2 + 3);
  CHECK(catalog->gone_deliveries()->empty());
  const auto plan = [&connection](const char* sql) {
    std::string out;
    for (pg::Statement row = (*connection)->prepare(sql); row.step();) out += row.next_text() + "\n";
    return out;
  };
  REQUIRE((*connection)->execute("SET enable_seqscan=off"));
  CHECK(plan("EXPLAIN SELECT * FROM shares WHERE guid='\\x00' AND sha256(recipient)=sha256('a') AND recipient='a'")
            .find("shares_by_recipient") != std::string::npos);
  CHECK(plan("EXPLAIN SELECT * FROM gone_deliveries WHERE guid='\\x00'").find("gone_deliveries_by_space") !=
        std::string::npos);
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
    space::SpaceChange change = one_byte();
    change.more.weight.texts = 4;
    CHECK(transaction.change_space(row.guid, change).head.use.weight.texts == 4);
    // No more of them than the space allows, whichever node counts.
    change.more = {0, {0, 0, 0, space::least_texts - 3}};
    CHECK(transaction.change_space(row.guid, change).taken == space::Taken::texts);
    return {};
  }));
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (nodes[1]->totals()->spaces == 0 && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(Millis(50));
  CHECK(nodes[1]->totals()->spaces == 1);
  CHECK(nodes[0]->totals()->bytes == 1 + 4);
}

TEST_CASE("names that are no UTF-8 stand in the catalog as they were sent") {
  const Database database;
  const auto catalog = open_catalog(database);
  space::SpaceRow row;
  row.guid = Guid::random();
  row.label = std::string("a\0b\xff'\"\\", 7);
  row.limits.max_size = ~std::uint64_t{0} >> 1;
  row.packs = true;
  REQUIRE(catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  }));
  const auto state = *catalog->space(row.guid);
  REQUIRE(state != nullptr);
  CHECK(state->space.label == row.label);
  CHECK(state->space.limits.max_size == row.limits.max_size);
  CHECK(state->space.packs);
}

TEST_CASE("what was put into the store long ago is no longer named: another node may have removed it") {
  const Database database;
  const auto catalog = open_catalog(database);
  const space::BlobKey blob = Id::random();
  const auto name = [&](std::uint64_t first, std::optional<Seconds> left) {
    space::Extent extent{first, 10, "object " + std::to_string(first), 0};
    if (left) extent.until = system_clock().wall() + *left;
    return catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
      transaction.remember("named", std::to_string(first));
      transaction.put_extents(blob, {extent});
      return {};
    });
  };
  CHECK(name(0, Seconds(600)));
  CHECK(name(10, Seconds(60)));
  CHECK(kind_of(name(20, Seconds(-60))) == Kind::unavailable);
  CHECK(**catalog->remembered("named") == "10");  // nothing of the change is left
  CHECK(kind_of(name(20, Seconds(-3 * 86400))) == Kind::unavailable);
  CHECK(name(20, std::nullopt));  // of a row already
  const auto named = catalog->extents(blob);
  REQUIRE(named);
  REQUIRE(named->size() == 3);
  CHECK((*named)[1].object == "object 10");
  CHECK_FALSE((*named)[1].until);
}
