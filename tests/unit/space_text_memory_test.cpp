// Names, metadata and messages of what is under way are in memory: a space has a limit of them, all together too, and
// each is given back when it goes.
#include "unit/catch.h"

#include <memory>

#include "space/text_memory.h"
#include "space_uploading.h"

using namespace qrx;
using namespace qrx::test;
using space::TextMemory;

namespace {

constexpr std::uint64_t mib = 1U << 20;

std::shared_ptr<TextMemory::OfSpace> of_space(const std::shared_ptr<TextMemory>& all, std::uint64_t max_size = 0) {
  return std::make_shared<TextMemory::OfSpace>(all, max_size);
}

// Another name of so many bytes for each number.
std::string long_name(std::size_t number, std::size_t bytes) {
  std::string name = std::to_string(number);
  while (name.size() < bytes) name += name.size() % 256 == 200 ? '/' : 'n';
  return name;
}

Result<space::FileRow> put(World& world, const Guid& guid, const Id& delivery, const std::string& name) {
  return world.spaces->put_small(guid, delivery, name, {});
}

// How many files with names of 4 KiB one delivery takes; the error of the one that it does not take.
std::size_t fill(World& world, const Guid& guid, const Id& delivery, std::optional<Error>& refused) {
  for (std::size_t files = 0;; ++files) {
    const auto file = put(world, guid, delivery, long_name(files, 4096));
    if (file) continue;
    refused = file.error();
    return files;
  }
}

}  // namespace

TEST_CASE("names of one delivery are in memory up to the limit of their space, and no longer than it is open") {
  World world({.relaxed = true});
  const Guid guid = world.create(with_limits(mib, 0)).space.guid;
  const auto first = world.spaces->open_delivery(guid, {})->delivery;
  std::optional<Error> refused;
  CHECK(fill(world, guid, first, refused) == 256);
  CHECK(refused->kind == Kind::too_large);
  CHECK(refused->what ==
        "the names in this delivery are too long, over 1048576 bytes together: send its files in several deliveries");
  // The same file again, or another under the same name, needs no more.
  CHECK(put(world, guid, first, long_name(7, 4096)));
  CHECK(world.spaces->put_small(guid, first, long_name(7, 4096), as_bytes("other")));
  // Another delivery waits until this one is done.
  const auto second = world.spaces->open_delivery(guid, {})->delivery;
  CHECK(kind_of(put(world, guid, second, "a")) == Kind::no_room_now);
  const bool committed = GENERATE(true, false);
  if (committed)
    REQUIRE(world.spaces->commit(guid, first, {256}));
  else
    REQUIRE(world.spaces->cancel(guid, first));
  // What is committed counts in the catalog, where this space holds as many bytes of names.
  CHECK(fill(world, guid, second, refused) == (committed ? 0 : 256));
  CHECK(refused->kind == Kind::too_large);
  if (!committed) CHECK(world.spaces->commit(guid, second, {256}));
}

TEST_CASE("a delivery of as many files as a space has, with names of 255 bytes, fits") {
  // Each name counts its bytes and no more: here all that the space has room for,
  World world({.relaxed = true});
  constexpr std::size_t files = 4'200, name = 255;
  static_assert(files * name > mib);
  const Guid guid = world.create(with_limits(files * name, files)).space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  for (std::size_t i = 0; i < files; ++i) REQUIRE(put(world, guid, delivery, long_name(i, name)));
  CHECK(world.spaces->commit(guid, delivery, {files}));
  // and the names of 100,000 have room in a space that has none but that limit, or one of as many bytes.
  constexpr std::uint64_t all = 100'000 * name;
  const auto memory = std::make_shared<TextMemory>();
  for (const std::uint64_t max_size : {std::uint64_t{0}, all}) {
    TextMemory::Hold hold(of_space(memory, max_size));
    CHECK(hold.take(all));
  }
  CHECK(space::Policy{}.max_files == 100'000);
}

TEST_CASE("names and metadata of begun uploads are in memory up to the limit of their space, after a restart too") {
  World world;
  const Guid guid = world.create(with_limits(mib, 0)).space.guid;
  auto wish = new_upload(long_name(0, 4096), 10);
  wish.metadata = std::string(12'288, 'm');
  std::vector<Id> begun;
  for (int i = 0; i < 64; ++i) begun.push_back(must_begin(world, guid, wish).upload);
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  const auto refused = world.spaces->create_upload(guid, wish);
  CHECK(kind_of(refused) == Kind::no_room_now);
  CHECK(refused.error().what ==
        "the names of all that is under way in this space are too long: try again when some of it is done");
  REQUIRE(world.spaces->remove_upload(guid, begun[0]));
  begun[0] = must_begin(world, guid, wish).upload;
  CHECK(kind_of(world.spaces->create_upload(guid, new_upload("a", 10))) == Kind::no_room_now);
  // What was begun is finished as ever.
  auto writer = must_write(world, guid, begun[0], 0);
  REQUIRE(writer->write(as_bytes("0123456789")));
  REQUIRE(writer->finish());
  writer.reset();
  CHECK(world.send(guid, "a", "x"));
}

TEST_CASE("a file that was uploaded into an open delivery counts for its name until that is committed") {
  World world({.relaxed = true});
  const auto created = world.create(with_limits(mib, 0));
  const Guid guid = created.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {})->delivery;
  const std::string name = long_name(1'000'000, 4096);
  const auto upload = [&](const Id& into) {
    auto writer = must_write(world, guid, must_begin(world, guid, new_upload(name, 1, into)).upload, 0);
    REQUIRE(writer->write(as_bytes("x")));
    REQUIRE(writer->finish());
  };
  upload(delivery);
  upload(delivery);  // in the place of the first
  const bool restarted = GENERATE(false, true);
  if (restarted) world.restart();
  std::optional<Error> refused;
  CHECK(fill(world, guid, delivery, refused) == 255);
  REQUIRE(world.spaces->commit(guid, delivery, {256}));
  // Else there is no room in the catalog.
  REQUIRE(world.spaces->record_receipt(guid, created.token.text(), delivery, {wire::ReceiptState::saved, {}}));
  REQUIRE(world.spaces->clear_delivery(guid, created.token.text(), delivery));
  const auto next = world.spaces->open_delivery(guid, {})->delivery;
  upload(next);
  REQUIRE(put(world, guid, next, name));  // in the place of the uploaded one
  CHECK(fill(world, guid, next, refused) == 255);
  CHECK(kind_of(world.spaces->create_upload(guid, new_upload(name, 1, next))) == Kind::no_room_now);
  CHECK(world.spaces->commit(guid, next, {256}));
}

TEST_CASE("messages of open deliveries count as names do") {
  World world;
  const Guid guid = world.create(with_limits(mib, 0)).space.guid;
  wire::CreateDelivery wish;
  wish.message = std::string(16'384, 'm');
  std::vector<Id> opened;
  for (int i = 0; i < 63; ++i)
    opened.push_back(world.spaces->open_delivery(guid, wish, {"192.0.2." + std::to_string(i)})->delivery);
  opened.push_back(world.spaces->open_delivery(guid, {})->delivery);
  REQUIRE(world.spaces->set_message(guid, opened[63], wish.message));
  REQUIRE(world.spaces->set_message(guid, opened[63], wish.message));
  CHECK(kind_of(world.spaces->open_delivery(guid, wish)) == Kind::no_room_now);
  const auto last = world.spaces->open_delivery(guid, {})->delivery;
  CHECK(kind_of(world.spaces->set_message(guid, last, "m")) == Kind::no_room_now);
  REQUIRE(world.spaces->set_message(guid, opened[63], "shorter"));
  CHECK(world.spaces->set_message(guid, last, "m"));
}

TEST_CASE("the memory for names of one space is its size, within bounds") {
  const auto all = std::make_shared<TextMemory>();
  const auto most_of = [&](std::uint64_t max_size) {
    TextMemory::Hold hold(of_space(all, max_size));
    std::uint64_t bytes = 0;
    for (std::uint64_t step = mib << 10; step > 0; step /= 2)
      if (hold.take(step)) bytes += step;
    return bytes;
  };
  CHECK(most_of(0) == 64 * mib);
  CHECK(most_of(1) == mib);
  CHECK(most_of(2 * mib + 1) == 2 * mib + 1);
  CHECK(most_of(1000 * mib) == 64 * mib);
}

TEST_CASE("a space gets half of the memory for names that others leave, and a little by right") {
  const auto all = std::make_shared<TextMemory>();
  std::vector<std::unique_ptr<TextMemory::Hold>> holds;
  const auto next = [&]() -> TextMemory::Hold& {
    return *holds.emplace_back(std::make_unique<TextMemory::Hold>(of_space(all)));
  };
  for (const std::uint64_t most : {64 * mib, 32 * mib, 16 * mib, 8 * mib}) {
    auto& hold = next();
    REQUIRE(hold.take(most));
    CHECK_FALSE(hold.take(1));
  }
  next().add(8 * mib);  // from before a restart: there is nothing left
  const auto space = of_space(all);
  TextMemory::Hold small(space), more(space);
  REQUIRE(small.take(20 << 10));
  CHECK(kind_of(more.take((12 << 10) + 1)) == Kind::no_room_now);
  REQUIRE(more.take(12 << 10));
  CHECK(kind_of(more.replace(1, 2)) == Kind::no_room_now);
  CHECK(more.replace(2, 1));
  CHECK(space->bytes() == (32 << 10) - 1);
  holds.erase(holds.begin());
  CHECK(more.take(mib));
}
