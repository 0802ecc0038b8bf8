// Deliveries and spaces with many files: no transaction puts or removes more rows than others may wait for, and what
// was cut short comes to its end with the next start or sweep.
#include "unit/catch.h"

#include "space/copying.h"
#include "space_world.h"
#include "space_wrapped.h"

using namespace qrx;
using namespace qrx::test;
using wire::ReceiptState;

namespace {

constexpr std::size_t many = 2 * space::rows_at_once + 300;

// The rules over a catalog that is watched, until it is lost.
struct Watched {
  explicit Watched(const space::Policy& policy = {.expire = Seconds(72 * 3600), .relaxed = true}) : world(policy) {
    watch();
  }
  void watch() {
    catalog = std::make_unique<SteppedCatalog>(*world.catalog);
    world.spaces = std::make_unique<space::Spaces>(*catalog, *world.blobs, world.clock, world.events, world.policy);
  }
  // It was killed at some change, and starts again.
  space::Spaces::Recovered restart() {
    world.lose();
    catalog.reset();
    const auto recovered = world.restart();
    watch();
    return recovered;
  }
  Id fill(const Guid& guid, std::size_t count = many) {
    const auto delivery = world.spaces->open_delivery(guid, {});
    REQUIRE(delivery);
    for (std::size_t i = 0; i < count; ++i)
      REQUIRE(world.spaces->put_small(guid, delivery->delivery, name_of(i), as_bytes("bytes of " + name_of(i))));
    return delivery->delivery;
  }
  Id deliver(const Guid& guid, std::size_t count = many) {
    const Id delivery = fill(guid, count);
    REQUIRE(world.spaces->commit(guid, delivery, {count}));
    return delivery;
  }
  static std::string name_of(std::size_t number) { return "file-" + std::to_string(number); }
  bool is_empty() {
    const auto totals = world.catalog->totals();
    return totals->spaces == 0 && totals->bytes == 0 && world.catalog->files_after({}, 1)->empty() &&
           world.catalog->expired(WallTime::min(), 1)->empty() && world.files_in("blobs") == 0;
  }

  World world;
  std::unique_ptr<SteppedCatalog> catalog;
};

}  // namespace

TEST_CASE("a commit of many files puts few rows at a time, and shows them together") {
  Watched watched;
  World& world = watched.world;
  const auto space = world.create(with_limits(1 << 20, 3 * many));
  const Guid guid = space.space.guid;
  const Id delivery = watched.fill(guid);
  const auto seen = world.events.of_space(guid);
  REQUIRE(world.spaces->commit(guid, delivery, {many}));
  CHECK(watched.catalog->most_at_once == space::rows_at_once);
  CHECK(watched.catalog->changes == 3);
  CHECK(world.events.of_space(guid) == seen + 1);
  CHECK(*world.catalog->committed_files(guid) == many);
  for (const bool restarted : {false, true}) {
    if (restarted) CHECK(watched.restart().failures.empty());
    const auto state = *world.catalog->space(guid);
    CHECK(state->files.size() == many);
    CHECK(state->space.use.weight.files == many);
    CHECK(world.read(space, state->files[many - 1].file) == "bytes of " + Watched::name_of(many - 1));
  }
}

TEST_CASE("a commit that is cut short has put nothing: its sender sends again") {
  Watched watched;
  World& world = watched.world;
  const auto space = world.create(with_limits(1 << 20, many + 10));
  const Guid guid = space.space.guid;
  const Id delivery = watched.fill(guid);
  const bool killed = GENERATE(true, false);
  const std::uint64_t after = GENERATE(1, 2);
  watched.catalog->killed_after = after;
  CHECK(kind_of(world.spaces->commit(guid, delivery, {many})) == Kind::unavailable);
  CHECK(world.view(space).deliveries.empty());
  if (killed) {
    watched.restart();
    CHECK(world.spaces->delivery(guid, delivery)->files.empty());
    CHECK(world.catalog->files_after({}, 1)->empty());
    CHECK((*world.catalog->space(guid))->space.use == space::Use{});
    CHECK(world.files_in("blobs") + world.files_in("staging") == 0);
    for (std::size_t i = 0; i < many; ++i)
      REQUIRE(world.spaces->put_small(guid, delivery, Watched::name_of(i), as_bytes("x")));
  } else {
    // The disk was full for a while. One of them comes again, with other bytes.
    watched.catalog->killed_after.reset();
    REQUIRE(world.spaces->put_small(guid, delivery, Watched::name_of(0), as_bytes("other bytes")));
  }
  const bool canceled = GENERATE(true, false);
  if (canceled) {
    REQUIRE(world.spaces->cancel(guid, delivery));
    CHECK(world.spaces->drop(guid)->limits.max_files == many + 10);
    CHECK(world.catalog->files_after({}, 1)->empty());
  } else {
    REQUIRE(world.spaces->commit(guid, delivery, {many}));
    CHECK(*world.catalog->committed_files(guid) == many);
    CHECK((*world.catalog->space(guid))->space.use.weight.files == many);
    CHECK(world.spaces->drop(guid)->limits.max_files == 10);
  }
}

TEST_CASE("what a commit that was cut short had put counts for nothing after a start") {
  Watched watched({.max_total = 100'000, .relaxed = true});
  World& world = watched.world;
  const Guid guid = world.create().space.guid;
  const Id delivery = watched.fill(guid);
  watched.catalog->killed_after = 1;
  CHECK_FALSE(world.spaces->commit(guid, delivery, {many}));
  world.lose();
  watched.catalog.reset();
  world.restart();
  CHECK(world.send(guid, "x", std::string(99'999, 'x')));  // with its name
}

TEST_CASE("a space with many files is gone at once, and its rows go few at a time") {
  Watched watched;
  World& world = watched.world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const Id delivery = watched.deliver(guid);
  watched.fill(guid, 3);
  watched.catalog->most_at_once = 0;
  const bool expired = GENERATE(false, true);
  const bool killed = GENERATE(false, true);
  if (killed) watched.catalog->killed_after = watched.catalog->changes + 1;
  const auto woken = world.events.of_delivery(delivery);
  if (expired) {
    REQUIRE(world.spaces->sweep());
    world.clock.pass(world.policy.expire + Seconds(1));
    (void)world.spaces->sweep();
  } else {
    REQUIRE(world.spaces->remove(guid, space.token.text()));
  }
  CHECK(watched.catalog->most_at_once <= space::rows_at_once);
  CHECK(world.events.of_delivery(delivery) == woken + 1);
  CHECK(kind_of(world.spaces->view(guid, space.token.text())) == Kind::not_found);
  CHECK(kind_of(world.spaces->drop(guid)) == Kind::not_found);
  CHECK(world.catalog->totals()->bytes == 0);
  CHECK(watched.is_empty() == !killed);
  if (!killed) return;
  if (GENERATE(false, true)) {
    watched.restart();
  } else {
    watched.catalog->killed_after.reset();
    CHECK(kind_of(world.spaces->view(guid, space.token.text())) == Kind::not_found);
    REQUIRE(world.spaces->sweep());
  }
  CHECK(watched.is_empty());
  CHECK(watched.catalog->most_at_once <= space::rows_at_once);
}

TEST_CASE("what was received is cleared few rows at a time; room comes back as they go") {
  Watched watched;
  World& world = watched.world;
  const auto space = world.create(with_limits(0, many));
  const Guid guid = space.space.guid;
  const Id delivery = watched.deliver(guid);
  REQUIRE(world.spaces->record_receipt(guid, space.token.text(), delivery, {ReceiptState::saved, {}}));
  const bool killed = GENERATE(false, true);
  if (killed) watched.catalog->killed_after = watched.catalog->changes + 1;
  REQUIRE(world.spaces->clear_delivery(guid, space.token.text(), delivery));
  CHECK(watched.catalog->most_at_once <= space::rows_at_once);
  CHECK(world.view(space).deliveries.empty());
  CHECK(world.spaces->drop(guid)->limits.max_files == (killed ? space::rows_at_once : many));
  CHECK(world.spaces->status(guid, delivery)->files.size() == many);
  if (killed) {
    if (GENERATE(false, true)) {
      watched.restart();
    } else {
      watched.catalog->killed_after.reset();
      REQUIRE(world.spaces->sweep());
    }
  }
  CHECK(world.spaces->drop(guid)->limits.max_files == many);
  CHECK(world.spaces->status(guid, delivery)->files.size() == many);
  CHECK(world.catalog->gone_deliveries()->empty());
  CHECK(world.files_in("blobs") == 0);

  // A day later nobody asks any more.
  watched.catalog->killed_after.reset();
  for (int hour = 0; hour < 26; ++hour) {
    world.clock.pass(Seconds(3500));
    REQUIRE(world.spaces->sweep());
  }
  CHECK(world.catalog->past_files(delivery)->empty());
  CHECK(world.catalog->gone_deliveries()->empty());
}

TEST_CASE("an open delivery of many uploads goes few rows at a time") {
  constexpr std::size_t some = space::rows_at_once + 100;
  Watched watched;
  World& world = watched.world;
  const auto space = world.create(with_limits(0, some));
  const Guid guid = space.space.guid;
  const Id delivery = world.spaces->open_delivery(guid, {})->delivery;
  for (std::size_t i = 0; i + 1 < some; ++i)  // of no byte: each is complete as it is made
    REQUIRE(world.spaces->create_upload(guid, new_upload(Watched::name_of(i), 0, delivery)));
  const auto begun = world.spaces->create_upload(guid, new_upload("begun", 10, delivery));
  {
    auto writer = world.spaces->write(guid, begun->upload, 0, std::nullopt);
    REQUIRE((*writer)->write(as_bytes("12345")));
    REQUIRE((*writer)->finish());
  }
  CHECK(kind_of(world.send(guid, "one more", "x")) == Kind::no_room_now);
  const bool killed = GENERATE(false, true);
  if (killed) watched.catalog->killed_after = watched.catalog->changes + 1;
  REQUIRE(world.spaces->cancel(guid, delivery));
  CHECK(watched.catalog->most_at_once <= space::rows_at_once);
  CHECK(kind_of(world.spaces->delivery(guid, delivery)) == Kind::not_found);
  if (killed) watched.restart();
  CHECK(world.spaces->drop(guid)->limits.max_files == some);
  CHECK((*world.catalog->space(guid))->space.use == space::Use{});
  CHECK(kind_of(world.spaces->upload(guid, begun->upload)) == Kind::not_found);
  CHECK(world.files_in("blobs") + world.files_in("staging") == 0);
}

TEST_CASE("what is said of a whole delivery is one row, whatever was said of its files before") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const Id delivery = world.spaces->open_delivery(guid, {})->delivery;
  for (const char* name : {"a", "b", "c"}) REQUIRE(world.spaces->put_small(guid, delivery, name, as_bytes("x")));
  REQUIRE(world.spaces->commit(guid, delivery, {3}));
  const auto files = world.view(space).deliveries[0].files;
  const auto say = [&](ReceiptState state, const std::vector<Id>& of = {}) {
    REQUIRE(world.spaces->record_receipt(guid, space.token.text(), delivery, {state, of}));
  };
  const auto counts = [&] { return *world.spaces->status(guid, delivery)->receipt; };
  say(ReceiptState::kept, {files[0].file, files[1].file});
  say(ReceiptState::declined, {files[1].file});
  CHECK(counts() == wire::ReceiptCounts{0, 1, 1, 1});
  const auto rows = world.catalog->file_receipts(delivery);
  say(ReceiptState::saved);
  CHECK(counts() == wire::ReceiptCounts{2, 1, 0, 0});
  CHECK(world.catalog->file_receipts(delivery)->size() == rows->size());
  say(ReceiptState::kept, {files[0].file});  // comes late, and takes nothing back
  CHECK(counts() == wire::ReceiptCounts{2, 1, 0, 0});
  const auto unsaved = world.spaces->status(guid, delivery, true)->files;
  REQUIRE(unsaved.size() == 1);
  CHECK(unsaved[0].receipt == ReceiptState::declined);
}

TEST_CASE("a copy leaves out what a server that was killed had still to remove") {
  Watched watched;
  World& world = watched.world;
  wire::CreateSpace wish;
  wish.packs = true;
  const auto space = world.create(wish);
  const Guid guid = space.space.guid;
  const Id kept = watched.deliver(guid, 3), cleared = watched.deliver(guid), open = watched.fill(guid);
  REQUIRE(world.spaces->record_receipt(guid, space.token.text(), cleared, {ReceiptState::saved, {}}));
  watched.catalog->killed_after = watched.catalog->changes + 1;
  REQUIRE(world.spaces->clear_delivery(guid, space.token.text(), cleared));
  ++*watched.catalog->killed_after;
  CHECK_FALSE(world.spaces->commit(guid, open, {many}));
  CHECK(world.catalog->files_after({}, 10'000)->size() ==
        3 + many);  // less the first rows of one, with those of another

  World other;
  const auto copied =
      space::copy_spaces({*world.catalog, *world.blobs}, {*other.catalog, *other.blobs}, [](const space::Copied&) {});
  REQUIRE(copied);
  CHECK(copied->failures.empty());
  CHECK(copied->files == 3);
  const auto state = *other.catalog->space(guid);
  REQUIRE(state != nullptr);
  CHECK(state->deliveries.size() == 2);
  CHECK(state->space.use.weight.files == 3);
  CHECK(state->space.packs);
  CHECK(*other.catalog->committed_files(guid) == 3);
  CHECK(other.spaces->delivery(guid, kept)->committed);
}
