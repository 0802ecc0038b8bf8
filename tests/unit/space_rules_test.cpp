// Who may do what with a space, and when what becomes visible.
#include <catch2/catch.hpp>

#include "space_world.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("a file that was sent is seen and read by the owner") {
  World world;
  const auto space = world.create();
  const auto before = world.view(space);
  CHECK(before.deliveries.empty());
  const auto file = world.send(space.space.guid, "a/photo.jpg", "\xff\xd8\xffhello");
  REQUIRE(file);
  const auto info = world.view(space);
  CHECK(info.seq > before.seq);
  CHECK(info.uploads.empty());
  REQUIRE(info.deliveries.size() == 1);
  REQUIRE(info.deliveries[0].files.size() == 1);
  CHECK(info.deliveries[0].files[0].name == "a/photo.jpg");
  CHECK(info.deliveries[0].files[0].size == 8);
  CHECK(info.deliveries[0].files[0].type == "image/jpeg");
  CHECK(world.read(space, file->file) == "\xff\xd8\xffhello");
  CHECK(world.files_in("staging") == 0);
  CHECK(world.files_in("blobs") == 1);
}

TEST_CASE("an unknown space and a wrong token are the same error") {
  World world;
  const auto space = world.create();
  const auto wrong = world.spaces->view(space.space.guid, Token::random().text());
  const auto unknown = world.spaces->view(Id::random(), space.token.text());
  REQUIRE_FALSE(wrong);
  REQUIRE_FALSE(unknown);
  CHECK(wrong.error().kind == Kind::not_found);
  CHECK(unknown.error().kind == Kind::not_found);
  CHECK(wrong.error().what == unknown.error().what);
  CHECK(kind_of(world.spaces->content(space.space.guid, "", Id::random())) == Kind::not_found);
  CHECK(kind_of(world.spaces->extend(space.space.guid, "x", {})) == Kind::not_found);
  CHECK(kind_of(world.spaces->remove(space.space.guid, "x")) == Kind::not_found);
}

TEST_CASE("a space is matched before anything is stored") {
  World world;
  const Guid guid = Id::random();
  CHECK(kind_of(world.send(guid, "a", "bytes")) == Kind::not_found);
  CHECK(kind_of(world.spaces->open_delivery(guid, {})) == Kind::not_found);
  CHECK(kind_of(world.spaces->put_small(guid, Id::random(), "a", as_bytes("x"))) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
  CHECK(world.files_in("blobs") == 0);
}

TEST_CASE("several files are seen together, when their delivery is committed") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {.message = "hi"});
  REQUIRE(delivery);
  for (int i = 0; i < 20; ++i)
    REQUIRE(world.spaces->put_small(guid, delivery->delivery, "d/" + std::to_string(i),
                                    as_bytes("file" + std::to_string(i))));
  auto upload = world.spaces->create_upload(guid, new_upload("big", 3, delivery->delivery));
  REQUIRE(upload);
  CHECK(world.view(space).deliveries.empty());
  CHECK(kind_of(world.spaces->commit(guid, delivery->delivery, {})) == Kind::conflict);
  {
    auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
    REQUIRE(writer);
    REQUIRE((*writer)->write(as_bytes("big")));
    auto finished = (*writer)->finish();
    REQUIRE(finished);
    CHECK(finished->complete);
  }
  CHECK(world.view(space).deliveries.empty());
  CHECK(world.view(space).uploads.size() == 1);
  CHECK(kind_of(world.spaces->commit(guid, delivery->delivery, {.files = 20})) == Kind::conflict);
  const auto committed = world.spaces->commit(guid, delivery->delivery, {.files = 21});
  REQUIRE(committed);
  CHECK(committed->committed);
  CHECK(committed->files.size() == 21);
  const auto again = world.spaces->commit(guid, delivery->delivery, {.files = 21});
  REQUIRE(again);
  CHECK(again->files.size() == 21);
  const auto info = world.view(space);
  REQUIRE(info.deliveries.size() == 1);
  CHECK(info.uploads.empty());
  CHECK(info.deliveries[0].message == "hi");
  REQUIRE(info.deliveries[0].files.size() == 21);
  for (const auto& file : info.deliveries[0].files)
    if (file.name != "big") CHECK(world.read(space, file.file) == "file" + file.name.substr(2));
  CHECK(world.files_in("blobs") == 2);
  CHECK(world.files_in("staging") == 0);
}
