#include "unit/catch.h"

#include "store/rows.h"
#include "store/schema.h"
#include "unit/store_world.h"

using namespace qrx;
using namespace qrx::test;
using space::Durability;
using space::Transaction;
using wire::ShareState;

namespace {

void change(store::SqliteCatalog& catalog, const std::function<void(Transaction&)>& work) {
  REQUIRE(catalog.change(Durability::durable, [&](Transaction& transaction) -> Result<void> {
    work(transaction);
    return {};
  }));
}

space::ShareRow share_row(const Guid& guid, const std::string& to) {
  space::ShareRow row;
  row.share = Id::random();
  row.guid = guid;
  row.link_hash = sha256(as_bytes(row.share.text()));
  row.to = to;
  return row;
}

}  // namespace

TEST_CASE("shares, what they took and their notices come back as they were written") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  space::ShareRow row = share_row(Id::random(), "a@example.org");
  row.message = "words";
  row.limit = 3;
  row.created = WallTime(Millis(5));
  row.expires = WallTime(Millis(6));
  row.notice = ShareState::failed;
  row.noticed = WallTime(Millis(7));
  row.progress = space::Progress::opened;
  row.files_taken = 2;
  row.history = {{ShareState::queued, WallTime(Millis(1)), ""},
                 {ShareState::failed, WallTime(Millis(7)), "550 no such user"}};
  const space::ShareFileRow file{row.share, Id::random(), row.guid, 2, "0:2 5:3 "};
  const space::NoticeRow notice{row.share,           row.guid, "sms", "token", "key", WallTime(Millis(1)),
                                WallTime(Millis(2)), 4,        true};
  change(*catalog, [&](Transaction& transaction) {
    transaction.put_share(row);
    transaction.put_share_file(file);
    transaction.put_notice(notice);
    CHECK(transaction.share(row.share)->limit == 3);
    CHECK(transaction.share_file(row.share, file.file)->taken == 2);
    CHECK_FALSE(transaction.share_file(row.share, row.share));
    CHECK(transaction.notice(row.share)->token == "token");
    CHECK_FALSE(transaction.share(file.file));
  });
  catalog.reset();
  catalog = open_catalog(directory);
  for (const auto& got : {catalog->share(row.share), catalog->share_of_link(row.link_hash)}) {
    REQUIRE(got);
    REQUIRE(*got);
    CHECK((*got)->share == row.share);
    CHECK((*got)->guid == row.guid);
    CHECK((*got)->to == row.to);
    CHECK((*got)->message == row.message);
    CHECK((*got)->created == row.created);
    CHECK((*got)->expires == row.expires);
    CHECK((*got)->notice == row.notice);
    CHECK((*got)->noticed == row.noticed);
    CHECK((*got)->progress == row.progress);
    CHECK_FALSE((*got)->revoked);
    CHECK((*got)->files_taken == 2);
    CHECK((*got)->history == row.history);
  }
  CHECK((*catalog->share_file(row.share, file.file))->parts == file.parts);
  CHECK(catalog->share_files(row.share)->size() == 1);
  CHECK(catalog->least_taken(row.share) == 2U);
  const auto claimed = catalog->claimed_notices();
  REQUIRE(claimed->size() == 1);
  CHECK(claimed->at(0).transport == "sms");
  CHECK(claimed->at(0).key == "key");
  CHECK(claimed->at(0).attempts == 4);
  CHECK_FALSE(catalog->next_notice({})->has_value());
  CHECK_FALSE(catalog->share_of_link(Sha256Sum{})->has_value());
}

TEST_CASE("shares are found by recipient, counted, and go with their space") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  const space::SpaceRow space = space_row();
  const Guid& guid = space.guid;
  space::ShareRow a = share_row(guid, "a@example.org");
  a.revoked = true;
  const space::ShareRow again = share_row(guid, "a@example.org");
  const space::ShareRow b = share_row(guid, "b@example.org");
  const space::ShareRow elsewhere = share_row(Id::random(), "a@example.org");
  change(*catalog, [&](Transaction& transaction) {
    transaction.put_space(space);
    for (const auto& row : {a, again, b, elsewhere}) transaction.put_share(row);
    for (const auto& row : {a, b}) transaction.put_share_file({row.share, Id::random(), guid, 1, "0:1 "});
    transaction.put_notice({b.share, guid, "mail", "t", "", {}, {}, 0, false});
    const auto known = transaction.shares_to(guid, "a@example.org");
    REQUIRE(known.size() == 2);
    CHECK(known[0].share == again.share);  // newest first
    CHECK(transaction.count_shares(guid).all == 3);
    CHECK(transaction.count_shares(guid).live == 2);
  });
  CHECK(catalog->shares(guid, 0, {})->shares.size() == 3);
  CHECK(catalog->shares(guid, 0, {})->shares.at(0).share == a.share);
  change(*catalog, [&](Transaction& transaction) { transaction.remove_space(guid); });
  CHECK(catalog->shares(guid, 0, {})->shares.empty());
  CHECK(catalog->share_files(b.share)->empty());
  CHECK_FALSE(catalog->next_notice({})->has_value());
  CHECK(catalog->shares(elsewhere.guid, 0, {})->shares.size() == 1);
}

TEST_CASE("notices come by their time, not of busy transports; counts belong to a day") {
  TempDirectory directory;
  auto catalog = open_catalog(directory);
  const auto notice = [](const char* transport, int due) {
    return space::NoticeRow{Id::random(), Id::random(), transport, "t", "", {}, WallTime(Millis(due)), 0, false};
  };
  const auto late = notice("mail", 9);
  const auto early = notice("exec.x", 3);
  change(*catalog, [&](Transaction& transaction) {
    transaction.put_notice(late);
    transaction.put_notice(early);
    CHECK(transaction.count(5, "x", 0) == 0);
    CHECK(transaction.count(5, "x", 2) == 2);
    CHECK(transaction.count(5, "x", 1) == 3);
    CHECK(transaction.count(6, "x", 1) == 1);
    CHECK(transaction.count(5, "x", 0) == 0);
  });
  CHECK((*catalog->next_notice({}))->share == early.share);
  CHECK((*catalog->next_notice(" exec.x "))->share == late.share);
  CHECK_FALSE(catalog->next_notice(" mail exec.x ")->has_value());
  change(*catalog, [&](Transaction& transaction) { transaction.remove_notice(early.share); });
  CHECK((*catalog->next_notice({}))->share == late.share);
}

TEST_CASE("a catalog of version 1 keeps its rows and gets shares") {
  TempDirectory directory;
  const std::string path = directory / "catalog.db";
  const Guid guid = Id::random();
  const Id delivery = Id::random();
  const Id file = Id::random();
  {
    std::fclose(std::fopen(path.c_str(), "w"));
    auto old = store::Connection::open(path, store::Connection::Access::write);
    REQUIRE(old);
    REQUIRE((*old)->execute(store::schema_steps[0]) == SQLITE_OK);
    REQUIRE((*old)->execute("PRAGMA user_version=1") == SQLITE_OK);
    REQUIRE(store::write_delivery(**old, {delivery, guid, "m", WallTime(Millis(1)), WallTime(Millis(2))}) == SQLITE_OK);
    // As version 1 wrote them.
    const auto hex = [](const Id& id) { return "x'" + to_hex(id.bytes) + "'"; };
    const std::string content = "INSERT INTO spaces VALUES(" + hex(guid) + "," + hex(guid) +
                                ",'old','',0,0,0,1,99,0,1); INSERT INTO "
                                "files(file,delivery,guid,name,size,type,xxh128,sealed,blob,blob_offset) VALUES(" +
                                hex(file) + "," + hex(delivery) + "," + hex(guid) + ",'a',7,''," + hex(file) + ",0," +
                                hex(file) + ",0)";
    REQUIRE((*old)->execute(content.c_str()) == SQLITE_OK);
    REQUIRE((*old)->execute("INSERT INTO notes VALUES('clock','1 2')") == SQLITE_OK);
  }
  for (int again = 0; again < 2; ++again) {
    auto catalog = open_catalog(directory);
    const auto state = catalog->space(guid);
    REQUIRE(state);
    REQUIRE(*state != nullptr);
    CHECK((*state)->space.label == "old");
    CHECK((*state)->deliveries.at(0).committed == WallTime(Millis(2)));
    CHECK((*state)->files.at(0).size == 7);
    CHECK(catalog->remembered("clock")->value() == "1 2");
    CHECK(catalog->check());
    CHECK(catalog->shares(guid, 0, {})->shares.size() == static_cast<std::size_t>(again));
    change(*catalog, [&](Transaction& transaction) { transaction.put_share(share_row(guid, "a@example.org")); });
  }
}
