// Uploads that can never be completed: nothing of them stays, and no start of the server fails for them.
#include "unit/catch.h"

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

namespace {

wire::CreateSpace for_sealed_only() {
  wire::CreateSpace wish;
  wish.seal = wire::Seal::require;
  wish.key = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kudjz6z9s4kjx4v";
  return wish;
}

Id whole_part(World& world, const Guid& guid, std::string_view bytes) {
  space::NewUpload wish = new_upload("", bytes.size());
  wish.partial = true;
  const auto upload = world.spaces->create_upload(guid, wish);
  auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
  if (!(*writer)->write(as_bytes(bytes)) || !(*writer)->finish()) throw std::runtime_error("cannot write");
  return upload->upload;
}

}  // namespace

TEST_CASE("an empty file is refused where only sealed ones are taken, and leaves nothing behind") {
  World world;
  const auto space = world.create(for_sealed_only());
  CHECK(kind_of(world.spaces->create_upload(space.space.guid, new_upload("empty", 0))) == Kind::denied);
  CHECK(world.view(space).uploads.empty());
  CHECK(world.files_in("staging") == 0);
  CHECK(world.restart().uploads == 0);
}

TEST_CASE("the beginning of a sealed file alone is refused when its length is told, and leaves nothing behind") {
  World world;
  const auto space = world.create(for_sealed_only());
  const Guid guid = space.space.guid;
  const auto upload = world.spaces->create_upload(guid, new_upload("a", {}));
  REQUIRE(upload);
  {
    auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("age")));
    REQUIRE((*writer)->finish());
  }
  CHECK(kind_of(world.spaces->set_length(guid, upload->upload, 3)) == Kind::denied);
  CHECK(kind_of(world.spaces->upload(guid, upload->upload)) == Kind::not_found);
  CHECK(world.restart().uploads == 0);
}

TEST_CASE("a server starts in spite of an upload that cannot be completed") {
  World world;
  const auto space = world.create(for_sealed_only());
  const auto open = world.spaces->open_delivery(space.space.guid, {});
  REQUIRE(open);
  space::UploadRow row;
  row.upload = row.blob = Id::random();
  row.delivery = open->delivery;
  row.guid = space.space.guid;
  row.name = "empty";
  row.length = 0;
  row.epoch = 1;
  row.created = world.clock.wall();
  row.expires = row.created + Seconds(60);
  REQUIRE(world.blobs->create(row.blob));
  REQUIRE(world.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.put_upload(row);
    return {};
  }));
  CHECK(world.restart().incomplete == 1);
  CHECK(world.view(space).uploads.empty());
  CHECK(world.restart().uploads == 0);
}

TEST_CASE("parts that cannot be put together stay, what was to be made of them does not") {
  World world;
  const auto space = world.create(for_sealed_only());
  const Guid guid = space.space.guid;
  const std::vector<Id> parts{whole_part(world, guid, "not "), whole_part(world, guid, "sealed")};
  const auto before = world.files_in("staging");
  for (int time = 0; time < 2; ++time) {
    CHECK(kind_of(world.spaces->concatenate(guid, new_upload("all", {}), parts)) == Kind::denied);
    CHECK(world.files_in("staging") == before);
    for (const Id& part : parts) CHECK(world.spaces->upload(guid, part));
  }
}

TEST_CASE("an upload that was removed while its length is told stays removed") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto upload = world.spaces->create_upload(guid, new_upload("a", {}));
  REQUIRE(upload);
  REQUIRE(world.catalog->change(space::Durability::durable, [&](space::Transaction& transaction) -> Result<void> {
    transaction.remove_upload(upload->upload);  // as a request beside it does, before it tells the others
    return {};
  }));
  SECTION("by its length") {
    CHECK(kind_of(world.spaces->set_length(guid, upload->upload, 10)) == Kind::not_found);
  }
  SECTION("by its bytes") {
    auto first = world.spaces->write(guid, upload->upload, 0, std::nullopt);
    REQUIRE(first);
    first->reset();
    CHECK(kind_of(world.spaces->write(guid, upload->upload, 0, std::nullopt)) == Kind::not_found);
  }
  CHECK(world.restart().uploads == 0);
}
