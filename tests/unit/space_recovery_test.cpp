// What a start finds after an end that nobody planned.
#include "unit/catch.h"

#include <array>
#include <fstream>

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

namespace {

// An upload of 10 bytes with the first 4 acknowledged.
Id four_of_ten(World& world, const Guid& guid) {
  const auto upload = world.spaces->create_upload(guid, new_upload("a", 10));
  auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
  if (!(*writer)->write(as_bytes("0123")) || !(*writer)->finish()) throw std::runtime_error("cannot write");
  return upload->upload;
}

void append(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

}  // namespace

TEST_CASE("bytes that were not acknowledged are cut off at the start") {
  World world;
  const auto space = world.create();
  const Id upload = four_of_ten(world, space.space.guid);
  world.lose();
  append(world.directory / ("staging/" + upload.text()), "garbage");
  world.start();
  const auto recovered = world.spaces->recover();
  REQUIRE(recovered);
  CHECK(recovered->uploads == 1);
  CHECK(recovered->truncated == 1);
  CHECK(recovered->damaged == 0);
  auto writer = world.spaces->write(space.space.guid, upload, 4, std::nullopt);
  REQUIRE(writer);
  REQUIRE((*writer)->write(as_bytes("456789")));
  REQUIRE((*writer)->finish());
  CHECK(world.read(space, upload) == "0123456789");
}

TEST_CASE("acknowledged bytes that are missing are told, never papered over") {
  World world;
  const auto space = world.create();
  const Id upload = four_of_ten(world, space.space.guid);
  world.lose();
  const bool whole_file = GENERATE(false, true);
  if (whole_file)
    std::filesystem::remove(world.directory / ("staging/" + upload.text()));
  else
    std::filesystem::resize_file(world.directory / ("staging/" + upload.text()), 3);
  world.start();
  const auto recovered = world.spaces->recover();
  REQUIRE(recovered);
  CHECK(recovered->damaged == 1);
  CHECK(kind_of(world.spaces->upload(space.space.guid, upload)) == Kind::gone);
  CHECK(kind_of(world.spaces->write(space.space.guid, upload, 4, {})) == Kind::gone);
  CHECK(kind_of(world.spaces->write(space.space.guid, upload, 0, {})) == Kind::gone);
  CHECK(world.view(space).uploads.empty());
  CHECK(world.restart().damaged == 0);  // told once
  CHECK(kind_of(world.spaces->upload(space.space.guid, upload)) == Kind::gone);
  CHECK(world.spaces->remove_upload(space.space.guid, upload));
}

TEST_CASE("small files of a delivery that was not committed are gone, the delivery is not") {
  World world;
  const auto space = world.create(with_limits(100, 2));
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes(std::string(90, 'x'))));
  const auto recovered = world.restart();
  CHECK(recovered.quarantined == 0);
  CHECK(world.files_in("staging") == 0);
  const auto state = world.spaces->delivery(guid, delivery->delivery);
  REQUIRE(state);
  CHECK(state->files.empty());
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes(std::string(90, 'y'))));
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {.files = 1}));
}

TEST_CASE("a blob that was published without its row is completed, for all its bytes are there") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const Id upload = four_of_ten(world, guid);
  world.lose();
  append(world.directory / ("staging/" + upload.text()), "456789");
  world.start();
  REQUIRE(world.blobs->publish({upload}));
  REQUIRE(world.spaces->recover());
  const auto head = world.spaces->upload(guid, upload);
  REQUIRE(head);
  CHECK(head->offset == 10);
  CHECK(world.view(space).deliveries.size() == 1);
  CHECK(world.read(space, upload) == "0123456789");
}

TEST_CASE("a pack that was published without its rows goes") {
  World world;
  const auto space = world.create();
  const auto delivery = world.spaces->open_delivery(space.space.guid, {});
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "a", as_bytes("x")));
  REQUIRE(world.blobs->publish({delivery->delivery}));
  world.restart();
  CHECK(world.files_in("blobs") == 0);
  CHECK(world.view(space).deliveries.empty());
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "a", as_bytes("x")));
  CHECK(world.spaces->commit(space.space.guid, delivery->delivery, {}));
}

TEST_CASE("a delivery whose row failed after its blob was published can be committed again") {
  World world;
  const auto space = world.create();
  const auto delivery = world.spaces->open_delivery(space.space.guid, {});
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "a", as_bytes("x")));
  REQUIRE(world.blobs->publish({delivery->delivery}));  // in place of a commit that stopped half way
  CHECK_FALSE(world.spaces->commit(space.space.guid, delivery->delivery, {}));
  CHECK(world.spaces->delivery(space.space.guid, delivery->delivery)->files.empty());
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "a", as_bytes("y")));
  REQUIRE(world.spaces->commit(space.space.guid, delivery->delivery, {}));
  const auto info = world.view(space);
  CHECK(world.read(space, info.deliveries[0].files[0].file) == "y");
}

TEST_CASE("blobs that no row names are set aside, not deleted") {
  World world;
  const auto space = world.create();
  REQUIRE(world.send(space.space.guid, "a", "bytes"));
  const Id staged = Id::random();
  const Id stored = Id::random();
  REQUIRE((*world.blobs->create(staged))->write_at(0, as_bytes("precious")));
  REQUIRE((*world.blobs->create(stored))->write_at(0, as_bytes("precious")));
  REQUIRE(world.blobs->publish({stored}));
  SECTION("at the start") {
    CHECK(world.restart().quarantined == 2);
  }
  SECTION("by a sweep") {
    REQUIRE(world.spaces->sweep());
  }
  CHECK(world.files_in("quarantine") == 2);
  CHECK(world.files_in("staging") == 0);
  CHECK(world.files_in("blobs") == 1);
}

TEST_CASE("everything that was delivered is there after a restart") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto file = world.send(guid, "a", "bytes");
  const auto delivery = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "b", as_bytes("small")));
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {}));
  const auto before = world.view(space);
  world.restart();
  const auto after = world.view(space);
  CHECK(after.deliveries == before.deliveries);
  CHECK(world.read(space, file->file) == "bytes");
  CHECK(world.spaces->commit(guid, delivery->delivery, {})->committed);
}

TEST_CASE("the seq of a space never goes back") {
  World world;
  const auto space = world.create();
  std::uint64_t last = world.view(space).seq;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(world.send(space.space.guid, "a", "x"));
    const std::uint64_t seq = world.view(space).seq;
    CHECK(seq > last);
    CHECK(world.spaces->seq(space.space.guid) == seq);
    last = seq;
    if (i == 2) world.restart();
    world.clock.pass(Millis(10));
  }
}

TEST_CASE("a space whose deletion was interrupted is deleted at the start") {
  World world;
  const auto space = world.create();
  REQUIRE(world.send(space.space.guid, "a", "bytes"));
  auto row = space.space;
  row.phase = space::Phase::dying;
  REQUIRE(world.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_space(row);
    return {};
  }));
  const auto recovered = world.restart();
  CHECK(recovered.damaged == 0);
  CHECK(world.files_in("blobs") == 0);
  CHECK(kind_of(world.spaces->view(space.space.guid, space.token.text())) == Kind::not_found);
}

TEST_CASE("long work ends soon when it is asked to stop") {
  World world;
  const auto space = world.create();
  const auto file = world.send(space.space.guid, "a", std::string(300'000, 'a'));
  REQUIRE(file);
  std::stop_source stop;
  stop.request_stop();
  CHECK(kind_of(world.spaces->sha256(*file, stop.get_token())) == Kind::unavailable);
  CHECK(kind_of(world.spaces->check([](const std::string&) {}, stop.get_token())) == Kind::unavailable);
  CHECK(world.spaces->sha256(*file));
}

TEST_CASE("what an upload had before a restart is read once, and not by a caller that is told to stop") {
  World world;
  const auto space = world.create();
  const Guid& guid = space.space.guid;
  const auto upload = world.spaces->create_upload(guid, new_upload("a", 600'000));
  REQUIRE(upload);
  {
    auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes(std::string(500'000, 'a'))));
    REQUIRE((*writer)->finish());
  }
  CHECK(world.spaces->unread(guid, upload->upload) == 0);
  world.restart();
  CHECK(world.spaces->unread(guid, upload->upload) == 500'000);
  std::stop_source stop;
  stop.request_stop();
  CHECK(kind_of(world.spaces->catch_up(guid, upload->upload, stop.get_token())) == Kind::unavailable);
  CHECK(world.spaces->unread(guid, upload->upload) == 500'000);
  REQUIRE(world.spaces->catch_up(guid, upload->upload));
  CHECK(world.spaces->unread(guid, upload->upload) == 0);
  auto writer = world.spaces->write(guid, upload->upload, 500'000, std::nullopt);
  REQUIRE(writer);
  REQUIRE((*writer)->write(as_bytes(std::string(100'000, 'a'))));
  const auto finished = (*writer)->finish();
  REQUIRE(finished);
  Xxh128 sum;
  sum.update(as_bytes(std::string(600'000, 'a')));
  CHECK(finished->file->xxh128 == sum.sum());
  CHECK(kind_of(world.spaces->catch_up(guid, Id::random())) == Kind::not_found);
}

TEST_CASE("who is told to stop keeps what it has, and nobody begins anew") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = world.spaces->create_upload(guid, new_upload("a", 10));
  auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
  REQUIRE((*writer)->write(as_bytes("01234")));
  world.spaces->stop();
  CHECK((*writer)->asked_to_stop());
  CHECK(kind_of((*writer)->write(as_bytes("5"))) == Kind::unavailable);
  writer->reset();
  CHECK(kind_of(world.spaces->write(guid, upload->upload, 5, {})) == Kind::unavailable);
  CHECK(world.restart().truncated == 0);
  CHECK(world.spaces->upload(guid, upload->upload)->offset == 5);
}

TEST_CASE("check tells orphans and lost bytes of uploads") {
  World world;
  const auto space = world.create();
  const Id upload = four_of_ten(world, space.space.guid);
  std::filesystem::resize_file(world.directory / ("staging/" + upload.text()), 2);
  REQUIRE(world.blobs->create(Id::random()));
  const auto checked = world.spaces->check([](const std::string&) {});
  REQUIRE(checked);
  CHECK(checked->missing == 1);
  CHECK(checked->orphans == 1);
}
