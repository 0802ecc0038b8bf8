// What is looked after while a server runs: what has expired goes, what is damaged is found.
#include "unit/catch.h"

#include <array>
#include <fstream>

#include "space_world.h"
#include "space_wrapped.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("sweep deletes what has expired and nothing else") {
  World world;
  const auto brief = world.create(expiring_in(Seconds(60)));
  const auto lasting = world.create(expiring_in(Seconds(7200)));
  REQUIRE(world.send(brief.space.guid, "a", "12345"));
  REQUIRE(world.send(lasting.space.guid, "a", "bytes"));
  const auto content =
      world.spaces->content(brief.space.guid, brief.token.text(), world.view(brief).deliveries[0].files[0].file);
  REQUIRE(world.spaces->sweep());
  world.clock.pass(Seconds(100));
  const auto swept = world.spaces->sweep();
  REQUIRE(swept);
  CHECK(swept->spaces == 1);
  CHECK(swept->bytes == 5);
  CHECK(world.files_in("blobs") == 1);
  CHECK(kind_of(world.spaces->view(brief.space.guid, brief.token.text())) == Kind::not_found);
  CHECK(world.view(lasting).deliveries.size() == 1);
  char bytes[5];
  CHECK((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))) == 5U);
  const auto again = world.spaces->sweep();
  REQUIRE(again);
  CHECK(again->spaces == 0);
}

TEST_CASE("sweep deletes deliveries that were never committed") {
  World world({.expire = Seconds(7 * 86400), .upload_expire = Seconds(100)});
  const auto space = world.create();
  const auto delivery = world.spaces->open_delivery(space.space.guid, {});
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "a", as_bytes("x")));
  world.clock.pass(Seconds(60));
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "b", as_bytes("x")));
  world.clock.pass(Seconds(60));
  REQUIRE(world.spaces->sweep());
  CHECK(world.spaces->delivery(space.space.guid, delivery->delivery)->files.size() == 2);
  world.clock.pass(Seconds(60));
  REQUIRE(world.spaces->sweep());
  CHECK(kind_of(world.spaces->delivery(space.space.guid, delivery->delivery)) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
}

TEST_CASE("sweep deletes nothing when the clock jumped") {
  World world;
  const auto space = world.create(expiring_in(Seconds(7200)));
  REQUIRE(world.send(space.space.guid, "a", "bytes"));
  REQUIRE(world.spaces->sweep());
  const bool in_another_process = GENERATE(false, true);
  world.clock.jump(Seconds(86400));
  if (in_another_process) world.restart();
  CHECK(kind_of(world.spaces->sweep()) == Kind::unavailable);
  world.clock.pass(Seconds(600));
  CHECK(kind_of(world.spaces->sweep()) == Kind::unavailable);
  SECTION("it was wrong, and was set right") {
    world.clock.jump(Seconds(-86400));
    REQUIRE(world.spaces->sweep());
    CHECK(world.view(space).deliveries.size() == 1);
  }
  SECTION("it stays so for an hour") {
    world.clock.pass(Seconds(3600));
    const auto swept = world.spaces->sweep();
    REQUIRE(swept);
    CHECK(swept->spaces == 1);
  }
  SECTION("it jumps back too far") {
    world.clock.jump(Seconds(-2 * 86400));
    CHECK(kind_of(world.spaces->sweep()) == Kind::unavailable);
  }
}

TEST_CASE("a doubt about the clock that a restart of the machine cuts short ends an hour later") {
  World world;
  world.clock.pass(Seconds(100 * 86400));  // it was up for long
  REQUIRE(world.spaces->sweep());
  world.clock.jump(Seconds(-86400));
  CHECK(kind_of(world.spaces->sweep()) == Kind::unavailable);
  world.clock.boot();
  world.restart();
  CHECK(kind_of(world.spaces->sweep()) == Kind::unavailable);
  world.clock.pass(Seconds(3601));
  CHECK(world.spaces->sweep());
}

TEST_CASE("machines that share a catalog compare their clocks each with its own last look") {
  space::Policy many;
  many.shared = true;
  World world(many);
  world.clock.pass(Seconds(86400));
  CHECK(world.spaces->sweep());
  MovableClock young;  // the same time on a machine that has just begun
  young.jump(Seconds(86400));
  space::Spaces other(*world.catalog, *world.blobs, young, world.events, world.policy);
  for (int i = 0; i < 3; ++i) {
    CHECK(other.sweep());
    CHECK(world.spaces->sweep());
    world.clock.pass(Seconds(600));
    young.pass(Seconds(600));
  }
  young.jump(Seconds(86400));
  CHECK(kind_of(other.sweep()) == Kind::unavailable);
  CHECK(world.spaces->sweep());
}

TEST_CASE("a catalog that takes no changes does not keep what is in the trash on the disk") {
  World world({.relaxed = true, .shared = true});  // of one node the note of its clock is a change
  const Id blob = Id::random();
  REQUIRE(world.catalog->change(space::Durability::lazy, [&](space::Transaction& transaction) -> Result<void> {
    transaction.discard(blob);
    return {};
  }));
  REQUIRE(world.blobs->create(blob));
  FailingCatalog catalog(*world.catalog);
  world.spaces = std::make_unique<space::Spaces>(catalog, *world.blobs, world.clock, world.events, world.policy);
  catalog.fails = true;
  const auto swept = world.spaces->sweep();
  REQUIRE(swept);
  CHECK(swept->failures.size() == 1);
  CHECK(world.files_in("staging") == 0);
  catalog.fails = false;
  CHECK(world.spaces->sweep()->failures.empty());
  CHECK(world.catalog->trash({}, 10)->empty());
}

TEST_CASE("one bad blob ends neither a sweep nor a start, and is told with its reason") {
  World world;
  const auto bad = world.create(expiring_in(Seconds(3600)));
  const auto good = world.create(expiring_in(Seconds(3600)));
  const auto file = world.send(bad.space.guid, "a", "bytes");
  REQUIRE(file);
  REQUIRE(world.send(good.space.guid, "b", "bytes"));
  REQUIRE(world.spaces->sweep());
  // What stands at the blob's place cannot be unlinked.
  const std::string shelf = world.directory / ("blobs/" + to_hex(std::array{file->blob.bytes[0]}));
  std::filesystem::remove(shelf + "/" + file->blob.text());
  std::filesystem::create_directories(shelf + "/" + file->blob.text());

  world.clock.pass(Seconds(3601));
  const auto swept = world.spaces->sweep();
  REQUIRE(swept);
  CHECK(swept->spaces == 2);
  REQUIRE(swept->failures.size() == 1);
  CHECK(swept->failures[0].find("blob " + file->blob.text() + ": cannot remove a blob") == 0);
  for (const auto& one : {bad, good})
    CHECK(kind_of(world.spaces->view(one.space.guid, one.token.text())) == Kind::not_found);

  CHECK(world.restart().failures.size() == 1);  // it is not forgotten
  std::filesystem::remove(shelf + "/" + file->blob.text());
  CHECK(world.spaces->sweep()->failures.empty());
  CHECK(world.catalog->trash({}, 10)->empty());
}

TEST_CASE("check reads every byte") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto file = world.send(guid, "a", std::string(300'000, 'a'));
  const auto delivery = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "b", as_bytes("12345")));
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "c", as_bytes("67890")));
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {}));
  std::string told;
  const auto tell = [&](const std::string& line) { told += line + "\n"; };
  auto checked = world.spaces->check(tell);
  REQUIRE(checked);
  CHECK(checked->files == 3);
  CHECK(checked->bytes == 300'010);
  CHECK(checked->missing + checked->corrupt + checked->orphans == 0);
  CHECK(told.empty());

  const auto path_of = [&](const Id& blob) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world.directory / "blobs"))
      if (entry.path().filename() == blob.text()) return entry.path().string();
    throw std::runtime_error("no such blob");
  };
  SECTION("a flipped bit") {
    std::fstream blob(path_of(file->file), std::ios::in | std::ios::out | std::ios::binary);
    blob.seekp(200'000);
    blob.put('b');
  }
  SECTION("a flipped bit in a small file") {
    std::fstream blob(path_of(delivery->delivery), std::ios::in | std::ios::out | std::ios::binary);
    blob.seekp(7);
    blob.put('X');
  }
  SECTION("a short blob") {
    std::filesystem::resize_file(path_of(file->file), 299'999);
  }
  SECTION("a missing blob") {
    std::filesystem::remove(path_of(file->file));
  }
  checked = world.spaces->check(tell);
  REQUIRE(checked);
  CHECK(checked->missing + checked->corrupt == 1);
  CHECK(told.find("file ") == 0);
}
