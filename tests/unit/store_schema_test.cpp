// Catalogs of other versions: brought up to date, or refused.
#include "unit/catch.h"

#include <fstream>

#include "store/schema.h"
#include "store/sqlite.h"
#include "unit/store_world.h"

using namespace qrx;
using namespace qrx::test;
using space::Durability;
using space::Transaction;

TEST_CASE("a catalog of a newer qrx is refused") {
  TempDirectory directory;
  { open_catalog(directory); }
  {
    std::fstream file(directory / "catalog.db", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(60);  // user_version in the header, big-endian
    file.write("\0\0\0\x63", 4);
  }
  const auto opened = store::SqliteCatalog::open(directory / "catalog.db", {});
  REQUIRE_FALSE(opened);
  CHECK(opened.error().what.find("newer") != std::string::npos);
}

TEST_CASE("a catalog of an older qrx is brought up to date: what its spaces hold is counted") {
  TempDirectory directory;
  const std::string path = directory / "catalog.db";
  const Guid guid = Id::random(), empty = Id::random();
  std::ofstream(path).flush();
  {
    auto old = store::Connection::open(path, store::Connection::Access::write);
    REQUIRE(old);
    for (int step = 0; step < 3; ++step) REQUIRE((*old)->execute(store::schema_steps[step]) == SQLITE_OK);
    REQUIRE((*old)->execute("PRAGMA user_version=3") == SQLITE_OK);
    const auto put = [&](const std::string& sql) { CHECK((*old)->execute(sql.c_str()) == SQLITE_OK); };
    const auto hex = [](const Id& id) { return "x'" + to_hex(id.bytes) + "'"; };
    const auto any = [&] { return hex(Id::random()); };
    for (const Guid& one : {guid, empty})
      put("INSERT INTO spaces VALUES(" + hex(one) + "," + any() + ",'l','',0,100,10,1,2,0,77)");
    const std::string whole = any(), text = any(), open = any();
    put("INSERT INTO deliveries(delivery,guid,message,created,committed) VALUES(" + whole + "," + hex(guid) +
        ",'',1,2),(" + text + "," + hex(guid) + ",'words',1,2),(" + open + "," + hex(guid) + ",'',1,NULL)");
    const auto file = [&](const std::string& delivery, const std::string& name, int size) {
      put("INSERT INTO files(file,delivery,guid,name,size,type,xxh128,sealed,blob,blob_offset) VALUES(" + any() + "," +
          delivery + "," + hex(guid) + ",'" + name + "'," + std::to_string(size) + ",''," + any() + ",0," + any() +
          ",0)");
    };
    file(whole, "a", 7);
    file(whole, std::string(wire::manifest_name), 3);
    file(open, "\xC3\xA4", 5);
    const auto upload = [&](const std::string& name, int offset, int partial) {
      put("INSERT INTO "
          "uploads(upload,delivery,guid,name,metadata,offset,epoch,blob,lone,partial,damaged,created,expires"
          ") VALUES(" +
          any() + "," + open + "," + hex(guid) + ",'" + name + "',''," + std::to_string(offset) + ",1," + any() +
          ",0," + std::to_string(partial) + ",0,1,2)");
    };
    upload("c", 11, 0);
    upload("nothing yet", 0, 0);
    upload("part", 13, 1);
  }
  auto catalog = open_catalog(directory);
  const auto state = catalog->space(guid);
  REQUIRE(state);
  CHECK((*state)->space.seq == 77);
  // Bytes of names, those of an upload without a byte left out, and of the message.
  const std::uint64_t texts = 1 + wire::manifest_name.size() + 2 + 1 + 4 + 5;
  CHECK((*state)->space.use == space::Use{7 + 3 + 5 + 11 + 13, {3, 2, 1, texts}});
  CHECK((*state)->uploads.size() == 3);
  CHECK((*catalog->space(empty))->space.use == space::Use{});
  CHECK_FALSE((*state)->space.packs);
  CHECK(catalog->totals()->bytes == 39 + texts);
  CHECK(catalog->gone_deliveries()->empty());
}

TEST_CASE("what a catalog looks for in large tables has an index") {
  TempDirectory directory;
  { open_catalog(directory); }
  auto connection = store::Connection::open(directory / "catalog.db", store::Connection::Access::read);
  REQUIRE(connection);
  const auto plan = [&](const char* sql) {
    std::string out;
    for (store::Statement row = (*connection)->prepare(sql); row.step();) {
      row.skip();
      row.skip();
      row.skip();
      out += row.next_text() + "\n";
    }
    return out;
  };
  for (const char* sql :
       {"EXPLAIN QUERY PLAN DELETE FROM files WHERE number IN (SELECT number FROM files WHERE guid=x'00' AND "
        "delivery=x'00' ORDER BY number LIMIT 5)",
        "EXPLAIN QUERY PLAN DELETE FROM uploads WHERE number IN (SELECT number FROM uploads WHERE guid=x'00' AND "
        "delivery=x'00' LIMIT 5)",
        "EXPLAIN QUERY PLAN DELETE FROM share_files WHERE (share,file) IN (SELECT share,file FROM share_files WHERE "
        "guid=x'00' LIMIT 5)",
        "EXPLAIN QUERY PLAN DELETE FROM file_receipts WHERE (delivery,file) IN (SELECT delivery,file FROM "
        "file_receipts WHERE guid=x'00' LIMIT 5)",
        "EXPLAIN QUERY PLAN DELETE FROM gone_deliveries WHERE delivery IN (SELECT delivery FROM gone_deliveries WHERE "
        "guid=x'00' LIMIT 5)",
        "EXPLAIN QUERY PLAN SELECT * FROM uploads WHERE guid=x'00'"}) {
    INFO(sql << "\n" << plan(sql));
    CHECK(plan(sql).find("SEARCH") != std::string::npos);
    CHECK(plan(sql).find("SCAN") == std::string::npos);
    CHECK(plan(sql).find("TEMP B-TREE") == std::string::npos);
  }
}

TEST_CASE("files of an older qrx have no properties; those of this one keep theirs") {
  TempDirectory directory;
  const std::string path = directory / "catalog.db";
  const space::SpaceRow row = space_row();
  const Id before = Id::random();
  std::ofstream(path).flush();
  {
    auto old = store::Connection::open(path, store::Connection::Access::write);
    REQUIRE(old);
    for (int step = 0; step < 5; ++step) REQUIRE((*old)->execute(store::schema_steps[step]) == SQLITE_OK);
    REQUIRE((*old)->execute("PRAGMA user_version=5") == SQLITE_OK);
    const auto hex = [](const Id& id) { return "x'" + to_hex(id.bytes) + "'"; };
    const std::string put =
        "INSERT INTO files(file,delivery,guid,name,size,type,xxh128,sealed,blob,blob_offset) VALUES(" + hex(before) +
        "," + hex(before) + "," + hex(row.guid) + ",'a',7,''," + hex(before) + ",0," + hex(before) + ",3)";
    REQUIRE((*old)->execute(put.c_str()) == SQLITE_OK);
  }
  space::FileRow file = file_row(row.guid), bare = file_row(row.guid);
  file.properties = {WallTime(Seconds(1'000'000'000)), true};
  {
    auto catalog = open_catalog(directory);
    const auto known = catalog->file(before);
    REQUIRE((known && *known));
    CHECK((*known)->blob_offset == 3);
    CHECK((*known)->properties == wire::FileProperties{});
    REQUIRE(catalog->change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
      transaction.put_file(file);
      transaction.put_file(bare);
      return {};
    }));
  }
  auto catalog = open_catalog(directory);
  CHECK((*catalog->file(file.file))->properties == file.properties);
  CHECK((*catalog->file(bare.file))->properties == wire::FileProperties{});
}
