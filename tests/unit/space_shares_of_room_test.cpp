// What costs nothing to begin shuts out nobody: announced bytes, open deliveries, uploads without a byte, replaced
// files.
#include "unit/catch.h"

#include <array>
#include <atomic>
#include <thread>

#include "space/ledger.h"
#include "space_world.h"
#include "space_wrapped.h"

using namespace qrx;
using namespace qrx::test;

namespace {

Result<space::UploadRow> announce(World& world, const Guid& guid, const std::string& name, std::uint64_t length,
                                  const std::string& peer) {
  return world.spaces->create_upload(guid, new_upload(name, length), {peer});
}

Result<void> append(World& world, const Guid& guid, const Id& upload, std::uint64_t offset, std::size_t bytes,
                    const std::string& peer = {}) {
  auto writer = world.spaces->write(guid, upload, offset, std::nullopt, {peer});
  if (!writer) return tl::unexpected(writer.error());
  if (auto written = (*writer)->write(as_bytes(std::string(bytes, 'x'))); !written) return written;
  auto finished = (*writer)->finish();
  return finished ? Result<void>() : tl::unexpected(finished.error());
}

Id partial(World& world, const Guid& guid, std::size_t bytes, const std::string& peer = {}) {
  auto wish = new_upload("", bytes);
  wish.partial = true;
  const auto row = world.spaces->create_upload(guid, wish, {peer});
  if (!row || !append(world, guid, row->upload, 0, bytes, peer)) throw std::runtime_error("no part");
  return row->upload;
}

class CatalogWithoutTotals final : public CountedCatalog {
 public:
  using CountedCatalog::CountedCatalog;
  bool knows = false;
  Result<Totals> totals() override {
    return knows ? CountedCatalog::totals() : fail(Kind::unavailable, "cannot read the catalog");
  }
};

// Something happens in the middle of a change, once.
class InterruptedCatalog final : public CountedCatalog {
 public:
  using CountedCatalog::CountedCatalog;
  std::function<void()> meanwhile;
  std::atomic<bool> armed{false};
  Result<void> change(space::Durability durability,
                      const std::function<Result<void>(space::Transaction&)>& work) override {
    if (armed.exchange(false)) meanwhile();
    return CountedCatalog::change(durability, work);
  }
};

}  // namespace

TEST_CASE("announced bytes keep a share of the server's room, and only while they come") {
  World world({.max_total = 1001});  // with one name
  const Guid first = world.create().space.guid;
  const Guid second = world.create().space.guid;
  const auto announced = announce(world, first, "a", 1000, "192.0.2.1");
  REQUIRE(announced);
  CHECK(kind_of(world.send(second, "x", std::string(751, 'x'))) == Kind::no_room_now);
  REQUIRE(append(world, first, announced->upload, 0, 100));
  REQUIRE(world.send(second, "x", std::string(100, 'x')));
  // Its peer has its share; others have theirs, and all together half of what is free.
  for (const char* peer : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"})
    REQUIRE(announce(world, first, peer, 390, peer));
  // Names count, too: one byte of each file.
  CHECK(kind_of(world.send(second, "y", std::string(400, 'x'))) == Kind::no_room_now);
  REQUIRE(world.send(second, "y", std::string(399, 'x')));

  world.clock.pass(world.policy.promise_life + Seconds(1));
  REQUIRE(world.spaces->sweep());
  REQUIRE(world.send(second, "z", std::string(398, 'x')));
  // What was acknowledged is there; there is really no room for more.
  CHECK(world.spaces->upload(first, announced->upload)->offset == 100);
  CHECK(kind_of(append(world, first, announced->upload, 100, 900)) == Kind::no_room);
}

TEST_CASE("a sender who pauses for hours goes on where it stopped") {
  World world({.max_total = 1003});  // with three names
  const Guid guid = world.create(with_limits(1000, 10)).space.guid;
  const auto announced = announce(world, guid, "a", 800, "192.0.2.1");
  REQUIRE(append(world, guid, announced->upload, 0, 300));
  world.clock.pass(Seconds(5 * 3600));
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  REQUIRE(world.spaces->sweep());
  REQUIRE(world.send(guid, "b", std::string(100, 'x')));
  REQUIRE(append(world, guid, announced->upload, 300, 500));
  CHECK(kind_of(world.send(guid, "c", std::string(101, 'x'))) == Kind::too_large);
  CHECK(world.send(guid, "c", std::string(100, 'x')));
}

TEST_CASE("nothing that was announced before a restart is kept room for") {
  World world({.max_total = 1001});  // with one name
  const Guid guid = world.create().space.guid;
  REQUIRE(announce(world, guid, "a", 1000, "192.0.2.1"));
  world.restart();
  CHECK(world.send(guid, "b", std::string(1000, 'x')));
}

TEST_CASE("files that were only announced leave most places of a space free") {
  World world;
  const Guid guid = world.create(with_limits(0, 4)).space.guid;
  for (int i = 0; i < 20; ++i) REQUIRE(announce(world, guid, std::to_string(i), 10, "192.0.2." + std::to_string(i)));
  REQUIRE(world.send(guid, "x", "x"));
  REQUIRE(world.send(guid, "y", "y"));
  world.clock.pass(world.policy.promise_life + Seconds(1));
  REQUIRE(world.spaces->sweep());
  CHECK(world.send(guid, "z", "z"));
}

TEST_CASE("parts of files count too") {
  World world;
  const Guid guid = world.create(with_limits(0, 10)).space.guid;
  const Id small = world.spaces->open_delivery(guid, {}, {"192.0.2.4"})->delivery;
  REQUIRE(world.spaces->put_small(guid, small, "small", as_bytes("x")));
  for (int i = 0; i < 74; ++i) partial(world, guid, 1, "192.0.2.1");  // none of them unfinished
  world.clock.pass(Seconds(61));
  auto one_more = new_upload("", 1);
  one_more.partial = true;
  CHECK(kind_of(world.spaces->create_upload(guid, one_more, {"192.0.2.3"})) == Kind::too_large);
  CHECK(world.spaces->commit(guid, small, {1}));  // it is not what is in the way
  CHECK(world.send(guid, "x", "x"));
}

TEST_CASE("uploads that got no byte give way to later ones of the same client") {
  World world;
  const Guid guid = world.create().space.guid;
  const auto kept = announce(world, guid, "kept", 10, "192.0.2.1");
  REQUIRE(append(world, guid, kept->upload, 0, 1));
  const auto other = announce(world, guid, "other", 10, "192.0.2.2");
  for (int i = 0; i < 300; ++i) REQUIRE(announce(world, guid, std::to_string(i), 10, "192.0.2.1"));
  CHECK(world.files_in("staging") == 258);
  CHECK(world.spaces->upload(guid, kept->upload));
  CHECK(world.spaces->upload(guid, other->upload));
}

TEST_CASE("empty deliveries give way, those with acknowledged bytes do not") {
  World world;
  const Guid guid = world.create().space.guid;
  const auto mine = world.spaces->open_delivery(guid, {}, {"192.0.2.1"});
  const auto upload = world.spaces->create_upload(guid, new_upload("a", 10, mine->delivery), {"192.0.2.1"});
  REQUIRE(append(world, guid, upload->upload, 0, 1));
  for (int i = 0; i < 200; ++i) REQUIRE(world.spaces->open_delivery(guid, {}, {"192.0.2.1"}));
  CHECK(world.spaces->delivery(guid, mine->delivery));
  for (int peer = 2; peer < 5; ++peer)
    for (int i = 0; i < 64; ++i) REQUIRE(world.spaces->open_delivery(guid, {}, {"192.0.2." + std::to_string(peer)}));
  // All places are taken by others, just now: in a moment the oldest gives way.
  CHECK(kind_of(world.spaces->open_delivery(guid, {}, {"192.0.2.9"})) == Kind::no_room_now);
  world.clock.pass(Seconds(11));
  const auto next = world.spaces->open_delivery(guid, {}, {"192.0.2.9"});
  REQUIRE(next);
  REQUIRE(world.spaces->put_small(guid, next->delivery, "x", as_bytes("x")));
  CHECK(world.spaces->commit(guid, next->delivery, {}));
  CHECK(world.spaces->upload(guid, upload->upload)->offset == 1);
}

TEST_CASE("deliveries with a small file that nobody commits give way after a while") {
  World world;
  const Guid guid = world.create().space.guid;
  std::vector<Id> opened;
  for (int i = 0; i < 64; ++i) {
    opened.push_back(world.spaces->open_delivery(guid, {}, {"192.0.2.1"})->delivery);
    REQUIRE(world.spaces->put_small(guid, opened.back(), "x", as_bytes("x")));
  }
  CHECK(kind_of(world.spaces->open_delivery(guid, {}, {"192.0.2.1"})) == Kind::too_many);
  world.clock.pass(Seconds(61));
  CHECK(world.spaces->open_delivery(guid, {}, {"192.0.2.1"}));
  CHECK(world.files_in("staging") == 63);
}

TEST_CASE("small files that nobody commits make room for others after a while, at the first that does not fit") {
  World world;
  const bool by_bytes = GENERATE(false, true);
  const Guid guid = world.create(by_bytes ? with_limits(10, 100) : with_limits(0, 10)).space.guid;
  const auto hoarded = world.spaces->open_delivery(guid, {}, {"192.0.2.1"})->delivery;
  for (int i = 0; i < 10; ++i) REQUIRE(world.spaces->put_small(guid, hoarded, std::to_string(i), as_bytes("x")));
  const auto mine = world.spaces->open_delivery(guid, {}, {"192.0.2.2"})->delivery;
  const bool whole = GENERATE(false, true);
  const auto send_one = [&]() -> Result<void> {
    if (!whole) return world.spaces->put_small(guid, mine, "mine", as_bytes("x")).map([](const auto&) {});
    return announce(world, guid, "mine", 1, "192.0.2.2").and_then([&](const space::UploadRow& row) {
      return append(world, guid, row.upload, 0, 1);
    });
  };
  // They are delivered in a moment, or gone: who comes now is told to come again.
  const auto refused = send_one();
  CHECK(kind_of(refused) == Kind::no_room_now);
  CHECK(refused.error().what.find("try again") != std::string::npos);
  if (by_bytes) CHECK(kind_of(announce(world, guid, "larger than the space", 11, "192.0.2.2")) == Kind::too_large);
  world.clock.pass(Seconds(59));
  CHECK(kind_of(send_one()) == Kind::no_room_now);
  REQUIRE(world.spaces->put_small(guid, hoarded, "0", as_bytes("y")).has_value() == !by_bytes);  // at work again
  world.clock.pass(Seconds(2));
  CHECK(kind_of(send_one()) == Kind::no_room_now);
  world.clock.pass(Seconds(59));
  REQUIRE(send_one());
  CHECK(kind_of(world.spaces->commit(guid, hoarded, {})) == Kind::not_found);
  if (!whole) CHECK(world.spaces->commit(guid, mine, {1}));
  CHECK(world.files_in("staging") + world.files_in("blobs") == 1);
}

TEST_CASE("who comes while room is being made is not refused") {
  World world;
  InterruptedCatalog catalog(*world.catalog);
  world.spaces = std::make_unique<space::Spaces>(catalog, *world.blobs, world.clock, world.events, world.policy);
  const Guid guid = world.create(with_limits(0, 10)).space.guid;
  const auto hoarded = world.spaces->open_delivery(guid, {}, {"192.0.2.1"})->delivery;
  for (int i = 0; i < 10; ++i) REQUIRE(world.spaces->put_small(guid, hoarded, std::to_string(i), as_bytes("x")));
  const auto mine = world.spaces->open_delivery(guid, {}, {"192.0.2.2"})->delivery;
  world.clock.pass(Seconds(61));
  bool second = false;
  std::thread other;
  catalog.meanwhile = [&] {
    other = std::thread([&] { second = world.spaces->put_small(guid, mine, "second", as_bytes("x")).has_value(); });
    std::this_thread::sleep_for(Millis(200));  // if it comes later there is room by then
  };
  catalog.armed = true;
  CHECK(world.spaces->put_small(guid, mine, "first", as_bytes("x")));
  if (other.joinable()) other.join();
  CHECK(second);
  CHECK(world.spaces->commit(guid, mine, {2}));
}

TEST_CASE("files of complete uploads never make room, and who alone fills a space is told that it is full") {
  World world;
  const Guid guid = world.create(with_limits(0, 2)).space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {}, {"192.0.2.1"})->delivery;
  const auto upload = world.spaces->create_upload(guid, new_upload("acknowledged", 1, delivery), {"192.0.2.1"});
  REQUIRE(append(world, guid, upload->upload, 0, 1, "192.0.2.1"));
  REQUIRE(world.spaces->put_small(guid, delivery, "small", as_bytes("x")));
  CHECK(kind_of(world.spaces->put_small(guid, delivery, "one more", as_bytes("x"))) == Kind::too_large);
  world.clock.pass(Seconds(600));
  CHECK(kind_of(world.send(guid, "other", "x")) == Kind::no_room_now);
  CHECK(world.spaces->commit(guid, delivery, {2}));
}

TEST_CASE("one client's unfinished uploads take a quarter of a space's files at most, and 64 of a small one") {
  World world({.relaxed = true});
  const std::uint64_t files = GENERATE(100, 400);
  const std::uint64_t most = files == 400 ? 100 : 64;
  const Guid guid = world.create(with_limits(0, files)).space.guid;
  std::vector<Id> begun;
  const auto begin = [&](const std::string& peer) -> Result<void> {
    auto row = announce(world, guid, std::to_string(begun.size()), 10, peer);
    if (!row) return tl::unexpected(row.error());
    begun.push_back(row->upload);
    return append(world, guid, row->upload, 0, 1, peer);
  };
  for (std::uint64_t i = 0; i < most; ++i) REQUIRE(begin("192.0.2.1"));
  const auto refused = begin("192.0.2.1");
  REQUIRE(kind_of(refused) == Kind::too_many);
  CHECK(refused.error().what.find("finish or cancel") != std::string::npos);
  REQUIRE(begin("192.0.2.2"));
  // What it has begun it may finish, and begin another one then; or give up.
  REQUIRE(append(world, guid, begun[0], 1, 9, "192.0.2.1"));
  REQUIRE(begin("192.0.2.1"));
  CHECK(kind_of(begin("192.0.2.1")) == Kind::too_many);
  REQUIRE(world.spaces->remove_upload(guid, begun[1]));
  REQUIRE(begin("192.0.2.1"));
  CHECK(kind_of(begin("192.0.2.1")) == Kind::too_many);
  // After a start they are nobody's, until somebody goes on with them.
  world.restart();
  REQUIRE(begin("192.0.2.1"));
}

TEST_CASE("any number of open deliveries holds few descriptors, and each keeps its files") {
  World world({.relaxed = true});
  std::vector<std::pair<Guid, Id>> opened;
  for (int i = 0; i < 600; ++i) {
    const Guid guid = i % 50 == 0 ? world.create().space.guid : opened.back().first;
    opened.emplace_back(guid, world.spaces->open_delivery(guid, {})->delivery);
    REQUIRE(world.spaces->put_small(guid, opened.back().second, "a", as_bytes("a" + std::to_string(i))));
  }
  const auto descriptors = std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
  CHECK(descriptors < 320);
  for (const auto& [guid, delivery] : opened) {
    REQUIRE(world.spaces->put_small(guid, delivery, "b", as_bytes("b")));
    REQUIRE(world.spaces->commit(guid, delivery, {2}));
  }
  std::uint64_t checked = 0;
  REQUIRE(
      world.spaces->check([](const std::string& line) { FAIL(line); }).map([&](auto done) { checked = done.files; }));
  CHECK(checked == 1200);
}

TEST_CASE("what a small file replaced counts until it is off the disk") {
  World world({.max_total = 5000});
  const auto space = world.create(with_limits(1000, 3));
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  const auto put = [&](char content) {
    return world.spaces->put_small(guid, delivery, "a", as_bytes(std::string(300, content)));
  };
  REQUIRE(put('a'));
  for (int i = 0; i < 20; ++i) REQUIRE(put('a'));  // whose answers were lost
  REQUIRE(put('b'));
  REQUIRE(world.spaces->put_small(guid, delivery, "c", as_bytes(std::string(100, 'c'))));
  REQUIRE(put('d'));
  CHECK(kind_of(put('e')) == Kind::too_large);
  REQUIRE(world.spaces->commit(guid, delivery, {2}));
  CHECK(std::filesystem::file_size(world.directory /
                                   ("blobs/" + to_hex(std::array{delivery.bytes[0]}) + "/" + delivery.text())) == 400);
  const auto view = world.view(space);
  for (const auto& file : view.deliveries[0].files)
    CHECK(world.read(space, file.file) == (file.name == "a" ? std::string(300, 'd') : std::string(100, 'c')));
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  CHECK(kind_of(world.send(guid, "f", std::string(601, 'x'))) == Kind::too_large);
  CHECK(world.send(guid, "f", std::string(600, 'x')));
  CHECK(world.catalog->totals()->bytes == 1000 + 3);  // with their names
}

TEST_CASE("parts make room for what is made of them") {
  World world({.max_total = 100 + 6});  // with the names
  const Guid guid = world.create().space.guid;
  const std::vector<Id> parts{partial(world, guid, 30), partial(world, guid, 40)};
  REQUIRE(world.spaces->concatenate(guid, new_upload("whole", {}), parts));
  CHECK(world.send(guid, "x", std::string(30, 'x')));
  CHECK(kind_of(world.send(guid, "y", "y")) == Kind::no_room);
}

TEST_CASE("nothing is taken while it is not known what the server holds") {
  World world({.max_total = 100 + 2});  // with the names
  const Guid guid = world.create().space.guid;
  REQUIRE(world.send(guid, "a", std::string(60, 'x')));
  CatalogWithoutTotals catalog(*world.catalog);
  world.spaces = std::make_unique<space::Spaces>(catalog, *world.blobs, world.clock, world.events, world.policy);
  CHECK(kind_of(world.spaces->recover()) == Kind::unavailable);
  CHECK(kind_of(world.spaces->create({})) == Kind::unavailable);
  CHECK(kind_of(world.send(guid, "b", "x")) == Kind::unavailable);
  catalog.knows = true;
  CHECK(kind_of(world.send(guid, "b", std::string(41, 'x'))) == Kind::no_room);
  CHECK(world.send(guid, "b", std::string(40, 'x')));
}

TEST_CASE("an upload that is created twice is the same, after a restart too, and never keeps a delivery open") {
  World world;
  const Guid guid = world.create().space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  const auto first = world.spaces->create_upload(guid, new_upload("a", 5, delivery));
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  CHECK(world.spaces->create_upload(guid, new_upload("a", 5, delivery))->upload == first->upload);
  CHECK(world.spaces->create_upload(guid, new_upload("a", 6, delivery))->upload != first->upload);
  REQUIRE(append(world, guid, first->upload, 0, 5));
  CHECK(world.spaces->commit(guid, delivery, {}));  // the one of 6 bytes was never written
  CHECK(world.files_in("staging") == 0);
}

TEST_CASE("an upload without a byte keeps a delivery open unless its sender says that all is there") {
  World world;
  const Guid guid = world.create().space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  const auto other = world.spaces->create_upload(guid, new_upload("b", 5, delivery));
  REQUIRE(world.spaces->put_small(guid, delivery, "a", as_bytes("x")));
  CHECK(kind_of(world.spaces->commit(guid, delivery, {})) == Kind::conflict);
  CHECK(kind_of(world.spaces->commit(guid, delivery, {2})) == Kind::conflict);
  CHECK(world.spaces->commit(guid, delivery, {1}));
  CHECK(kind_of(world.spaces->upload(guid, other->upload)) == Kind::not_found);
}

TEST_CASE("who commits after a restart learns how many files are there, and sends the others again") {
  World world;
  const Guid guid = world.create().space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  REQUIRE(world.spaces->put_small(guid, delivery, "a", as_bytes("a")));
  world.restart();
  REQUIRE(world.spaces->put_small(guid, delivery, "b", as_bytes("b")));
  const auto refused = world.spaces->commit(guid, delivery, {2});
  REQUIRE(kind_of(refused) == Kind::conflict);
  CHECK(refused.error().what == "this delivery has 1 complete files: send again what is missing, then commit");
  REQUIRE(world.spaces->put_small(guid, delivery, "a", as_bytes("a")));
  CHECK(world.spaces->commit(guid, delivery, {2}));
}

TEST_CASE("an empty file that is created by two requests at once is there for both") {
  World world;
  const Guid guid = world.create().space.guid;
  for (int round = 0; round < 30; ++round) {
    const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
    std::atomic<int> created{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] { created += world.spaces->create_upload(guid, new_upload("a", 0, delivery)) ? 1 : 0; });
    for (std::thread& thread : threads) thread.join();
    CHECK(created == 4);
    REQUIRE(world.spaces->commit(guid, delivery, {}));
  }
}
