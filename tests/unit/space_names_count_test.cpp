// Names of files and messages are bytes, too, which whoever has a link makes the catalog hold.
#include <utility>

#include "space_world.h"
#include "unit/catch.h"

using namespace qrx;
using namespace qrx::test;

namespace {

constexpr std::size_t long_name = 4000;

std::string name(unsigned number) {
  std::string out = std::to_string(number);
  // Parts of 200 bytes, as file systems take them.
  while (out.size() < long_name) out += out.size() % 200 == 199 ? '/' : 'n';
  if (out.back() == '/') out.back() = 'n';
  return out;
}

// How many empty files go in, each a delivery of its own.
unsigned fill(World& world, const Guid& guid, unsigned from, unsigned most) {
  unsigned count = 0;
  while (count < most && world.send(guid, name(from + count), "")) ++count;
  return count;
}

}  // namespace

TEST_CASE("a space holds only so many bytes of names, however small its files are") {
  World world({.relaxed = true});
  const auto space = world.create(with_limits(1000, 100'000));
  const Guid guid = space.space.guid;
  constexpr unsigned fits = space::least_texts / long_name;
  CHECK(fill(world, guid, 0, 1000) == fits);
  CHECK(kind_of(world.send(guid, name(9999), "")) == Kind::too_large);
  // Nor in pieces, nor small files of a delivery: refused before their bytes come.
  CHECK(kind_of(world.spaces->create_upload(guid, new_upload(name(9999), 5))) == Kind::too_large);
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  CHECK(kind_of(world.spaces->put_small(guid, delivery, name(9999), as_bytes("x"))) == Kind::too_large);
  CHECK(world.send(guid, "short", "x"));
  const std::uint64_t all = fits * long_name + 5 + 1;
  CHECK(world.catalog->totals()->bytes == all);
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  CHECK(kind_of(world.send(guid, name(9999), "")) == Kind::too_large);
  CHECK((*world.catalog->space(guid))->space.use.weight.texts == all - 1);
  REQUIRE(world.spaces->remove(guid, space.token.text()));
  CHECK(world.catalog->totals()->bytes == 0);
}

TEST_CASE("names count for the server as a whole, and are given back with their files") {
  World world({.max_total = 10 * long_name, .relaxed = true});
  const auto first = world.create(), second = world.create();
  CHECK(fill(world, first.space.guid, 0, 100) == 10);
  CHECK(kind_of(world.send(second.space.guid, name(100), "")) == Kind::no_room);
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  CHECK(kind_of(world.send(second.space.guid, "x", "")) == Kind::no_room);
  REQUIRE(world.spaces->remove(first.space.guid, first.token.text()));
  CHECK(fill(world, second.space.guid, 0, 100) == 10);
}

TEST_CASE("the names of what is given up are given back") {
  World world({.relaxed = true});
  const auto space = world.create(with_limits(1000, 1000));
  const Guid guid = space.space.guid;
  const auto texts = [&] { return (*world.catalog->space(guid))->space.use.weight.texts; };
  for (unsigned round = 0; round < 3; ++round) {
    const auto delivery = world.spaces->open_delivery(guid, {.message = "words"})->delivery;
    for (unsigned at = 0; at < 200; ++at) REQUIRE(world.spaces->put_small(guid, delivery, name(at), as_bytes("x")));
    REQUIRE(world.spaces->end_delivery(guid, space.token.text(), delivery));
    CHECK(texts() == 0);
  }
  // A whole file that another of its name replaces, in a delivery that is given up after all.
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  REQUIRE(world.spaces->create_upload(guid, new_upload(name(0), 0, delivery)));
  REQUIRE(world.spaces->put_small(guid, delivery, name(0), as_bytes("x")));
  CHECK(texts() == 0);
  REQUIRE(world.spaces->create_upload(guid, new_upload(name(1), 0, delivery)));
  CHECK(texts() == long_name);
  REQUIRE(world.spaces->end_delivery(guid, space.token.text(), delivery));
  CHECK(texts() == 0);
  CHECK(fill(world, guid, 0, 1000) == space::least_texts / long_name);
}

TEST_CASE("the catalog itself takes no more than a space allows, for many nodes count each for itself") {
  World world;
  const auto limited = world.create(with_limits(5'000'000, 0)), unlimited = world.create();
  const auto add = [&](const space::Created& to, std::uint64_t texts, bool even_if_full) {
    space::SpaceChanged changed;
    space::SpaceChange change;
    change.more.weight.texts = texts;
    change.even_if_full = even_if_full;
    REQUIRE(world.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
      changed = transaction.change_space(to.space.guid, change);
      return {};
    }));
    return std::pair(changed.taken, changed.head.use.weight.texts);
  };
  CHECK(add(limited, 4'999'999, false) == std::pair(space::Taken::yes, std::uint64_t{4'999'999}));
  CHECK(add(limited, 2, false).first == space::Taken::texts);
  CHECK(add(limited, 1, false) == std::pair(space::Taken::yes, std::uint64_t{5'000'000}));
  CHECK(add(limited, 0, false).first == space::Taken::yes);
  CHECK(add(limited, 7, true) == std::pair(space::Taken::yes, std::uint64_t{5'000'007}));
  CHECK(add(unlimited, 1ULL << 40, false).first == space::Taken::yes);
}
