// What stands in the way for now, and what for good: whoever comes again in the first case gets in.
#include "unit/catch.h"

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

namespace {

constexpr const char* first_peer = "192.0.2.1";
constexpr const char* second_peer = "192.0.2.2";

Result<void> append(World& world, const Guid& guid, const Id& upload, std::size_t bytes, const std::string& peer) {
  auto writer = world.spaces->write(guid, upload, 0, std::nullopt, {peer});
  if (!writer) return tl::unexpected(writer.error());
  if (auto written = (*writer)->write(as_bytes(std::string(bytes, 'x'))); !written) return written;
  return (*writer)->finish().map([](const auto&) {});
}

// `bytes` of an upload of `length`; its id.
Id begin(World& world, const Guid& guid, std::size_t bytes, std::size_t length, std::optional<Id> delivery = {},
         bool partial = false) {
  auto wish = new_upload(partial ? "" : "held", length, delivery);
  wish.partial = partial;
  const auto row = world.spaces->create_upload(guid, wish, {first_peer});
  REQUIRE(row);
  REQUIRE(append(world, guid, row->upload, bytes, first_peer));
  return row->upload;
}

Result<void> send(World& world, const Guid& guid, std::size_t bytes, std::optional<Id> delivery = {}) {
  const auto row = world.spaces->create_upload(guid, new_upload("second", bytes, delivery), {second_peer});
  return row ? append(world, guid, row->upload, bytes, second_peer) : tl::unexpected(row.error());
}

Id open(World& world, const Guid& guid, const char* peer) {
  const auto row = world.spaces->open_delivery(guid, {}, {peer});
  REQUIRE(row);
  return row->delivery;
}

}  // namespace

TEST_CASE("room that others hold and have not delivered is missing for now") {
  World world;
  const auto space = world.create(with_limits(100, 0));
  const Guid guid = space.space.guid;
  std::optional<Id> delivery;
  Id upload;
  const std::string held = GENERATE("unfinished", "in a delivery", "complete in a delivery", "small files", "a part");
  INFO(held);
  if (held.ends_with("delivery") || held == "small files") delivery = open(world, guid, first_peer);
  if (held == "small files")
    REQUIRE(world.spaces->put_small(guid, *delivery, "held", as_bytes(std::string(60, 'x'))));
  else
    upload = begin(world, guid, 60, held.starts_with("complete") ? 60 : 70, delivery, held == "a part");

  const auto refused = send(world, guid, 50);
  CHECK(kind_of(refused) == Kind::no_room_now);
  CHECK(refused.error().what.find("try again in a minute") != std::string::npos);
  // So is it for a delivery of several files, and for one of them that is sent whole.
  const Id mine = open(world, guid, second_peer);
  CHECK(kind_of(send(world, guid, 50, mine)) == Kind::no_room_now);
  CHECK(kind_of(world.spaces->put_small(guid, mine, "small", as_bytes(std::string(50, 'x')))) == Kind::no_room_now);
  CHECK(kind_of(send(world, guid, 101, mine)) == Kind::too_large);

  if (delivery)
    REQUIRE(world.spaces->end_delivery(guid, space.token.text(), *delivery));
  else
    REQUIRE(world.spaces->remove_upload(guid, upload));
  CHECK(send(world, guid, 50));
}

TEST_CASE("what is delivered stands in the way for good, and so does what a delivery holds itself") {
  World world;
  const Guid guid = world.create(with_limits(100, 0)).space.guid;
  const Id delivery = open(world, guid, first_peer);
  begin(world, guid, 60, 60, delivery);
  CHECK(kind_of(send(world, guid, 50, delivery)) == Kind::too_large);
  CHECK(kind_of(world.spaces->put_small(guid, delivery, "a", as_bytes(std::string(50, 'x')))) == Kind::too_large);
  CHECK(kind_of(send(world, guid, 50)) == Kind::no_room_now);
  REQUIRE(world.spaces->commit(guid, delivery, {1}));
  CHECK(kind_of(send(world, guid, 50)) == Kind::too_large);
}

TEST_CASE("places of files that others hold and have not delivered are missing for now") {
  World world;
  const Guid guid = world.create(with_limits(0, 2)).space.guid;
  const Id first = begin(world, guid, 1, 2), second = begin(world, guid, 1, 2);
  CHECK(kind_of(send(world, guid, 1)) == Kind::no_room_now);
  REQUIRE(world.spaces->remove_upload(guid, first));
  CHECK(send(world, guid, 1));
  CHECK(kind_of(send(world, guid, 1)) == Kind::no_room_now);
  REQUIRE(world.spaces->remove_upload(guid, second));
  CHECK(send(world, guid, 1));
  CHECK(kind_of(send(world, guid, 1)) == Kind::too_large);
}

TEST_CASE("a file that is made of parts does not wait for them") {
  World world;
  const Guid guid = world.create(with_limits(100, 0)).space.guid;
  const Id first = begin(world, guid, 40, 40, {}, true), second = begin(world, guid, 40, 40, {}, true);
  REQUIRE(world.send(guid, "delivered", std::string(20, 'x')));
  auto part = new_upload("", 30);
  part.partial = true;
  CHECK(kind_of(world.spaces->create_upload(guid, part, {first_peer})) == Kind::too_large);
  CHECK(world.spaces->concatenate(guid, new_upload("whole", {}), {first, second}));
}

TEST_CASE("many nodes: who sends a file whole is one address, with its own share") {
  World world({.relaxed = true, .shared = true});
  const Guid guid = world.create(with_limits(0, 100)).space.guid;
  for (unsigned i = 0; i < 64; ++i) begin(world, guid, 1, 2);
  const Id delivery = open(world, guid, second_peer);
  const auto put = [&](const char* name, const char* peer, bool in_batch) -> Result<void> {
    if (!in_batch) return world.spaces->put_small(guid, delivery, name, as_bytes("x"), {}, {peer}).map([](auto&&) {});
    const auto batch = world.spaces->begin_batch(guid, delivery, {peer});
    return (*batch)->add(name, as_bytes("x"), {}).and_then([&](auto) { return (*batch)->finish(); });
  };
  for (const bool in_batch : {false, true}) {
    CHECK(kind_of(put("as many uploads as it may have", first_peer, in_batch)) == Kind::too_many);
    CHECK(put(in_batch ? "a" : "b", second_peer, in_batch));
  }
}
