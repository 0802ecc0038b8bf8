// Several files as one delivery: filled, seen together when it is committed, or ended.
#include "unit/catch.h"

#include "unit/space_sharing.h"
#include "unit/space_wrapped.h"
#include "wire/limits.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("a delivery that was to make room for another, and could not be removed, goes on") {
  World world;
  FailingCatalog catalog(*world.catalog);
  space::Spaces spaces(catalog, *world.blobs, world.clock, world.events, world.policy);
  const auto space = spaces.create({});
  REQUIRE(space);
  const Guid guid = space->space.guid;
  const space::Sender sender{"192.0.2.1"};
  std::vector<Id> open;
  for (int i = 0; i < 64; ++i) {
    const auto one = spaces.open_delivery(guid, {}, sender);
    REQUIRE(one);
    open.push_back(one->delivery);
    if (i == 0) REQUIRE(spaces.create_upload(guid, new_upload("large", 3, open[0])));
    world.clock.pass(Millis(1));  // the first one was used longest ago
  }
  catalog.fails = true;
  CHECK(kind_of(spaces.open_delivery(guid, {}, sender)) == Kind::no_room);
  catalog.fails = false;
  REQUIRE(spaces.put_small(guid, open[0], "a", as_bytes("x")));
  CHECK(spaces.commit(guid, open[0], {.files = 1}));
  CHECK(spaces.end_delivery(guid, space->token.text(), open[1]));
  CHECK(spaces.open_delivery(guid, {}, sender));
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

TEST_CASE("the same small file again replaces the former") {
  World world;
  const auto space = world.create(with_limits(10, 2));
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes("first")));
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "b", as_bytes("b")));
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes("2nd")));
  const auto state = world.spaces->delivery(guid, delivery->delivery);
  REQUIRE(state);
  CHECK(state->files.size() == 2);
  CHECK_FALSE(state->committed);
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {}));
  const auto info = world.view(space);
  REQUIRE(info.deliveries[0].files.size() == 2);
  for (const auto& file : info.deliveries[0].files)
    CHECK(world.read(space, file.file) == (file.name == "a" ? "2nd" : "b"));
}

TEST_CASE("what a file keeps comes with it, small or large, and after a crash, at one node and at many") {
  space::Policy policy;
  policy.shared = GENERATE(false, true);
  CAPTURE(policy.shared);
  World world(policy);
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  const wire::FileProperties kept{WallTime(Seconds(1'000'000'000)), true};
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "small", as_bytes("x"), kept));
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "bare", as_bytes("x")));
  // The same bytes again: what was said of them last holds.
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "again", as_bytes("x")));
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "again", as_bytes("x"), kept));
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {}));

  const auto begin = [&](const std::string& name, const std::string& metadata) {
    space::NewUpload wish = new_upload(name, 4);
    wish.metadata = metadata;
    return world.spaces->create_upload(guid, wish)->upload;
  };
  const Id large = begin("large", "mtime MTAwMDAwMDAwMA==,executable");
  const Id junk = begin("junk", "mtime LTE=,executable bm8=");  // -1, no
  world.restart();
  for (const Id& upload : {large, junk}) {
    auto writer = world.spaces->write(guid, upload, 0, std::nullopt);
    REQUIRE((*writer)->write(as_bytes("1234")));
    REQUIRE((*writer)->finish());
  }
  world.restart();
  std::size_t files = 0;
  for (const auto& one : world.view(space).deliveries)
    for (const auto& file : one.files) {
      INFO(file.name);
      CHECK(file.properties == (file.name == "bare" || file.name == "junk" ? wire::FileProperties{} : kept));
      ++files;
    }
  CHECK(files == 5);
}

TEST_CASE("a file sent again as large or small within a delivery is there once") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  const auto large = [&](std::string_view bytes) {
    const auto upload = world.spaces->create_upload(guid, new_upload("a", bytes.size(), delivery->delivery));
    auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
    REQUIRE((*writer)->write(as_bytes(bytes)));
    REQUIRE((*writer)->finish());
  };
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes("1")));
  large("22");
  large("333");
  CHECK(world.spaces->delivery(guid, delivery->delivery)->files.size() == 1);
  CHECK(world.files_in("blobs") == 1);
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes("4444")));
  CHECK(world.files_in("blobs") == 0);
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {.files = 1}));
  const auto info = world.view(space);
  REQUIRE(info.deliveries[0].files.size() == 1);
  CHECK(world.read(space, info.deliveries[0].files[0].file) == "4444");
}

TEST_CASE("a cancelled delivery leaves nothing behind") {
  World world;
  const auto space = world.create(with_limits(100, 10));
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes("small")));
  const auto upload = world.spaces->create_upload(guid, new_upload("b", 50, delivery->delivery));
  REQUIRE(upload);
  auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
  REQUIRE((*writer)->write(as_bytes("part")));
  REQUIRE(world.spaces->cancel(guid, delivery->delivery));
  CHECK_FALSE((*writer)->finish());
  writer->reset();
  CHECK(kind_of(world.spaces->delivery(guid, delivery->delivery)) == Kind::not_found);
  CHECK(kind_of(world.spaces->commit(guid, delivery->delivery, {})) == Kind::not_found);
  CHECK(world.files_in("staging") == 0);
  REQUIRE(world.send(guid, "c", std::string(100, 'x')));
  const auto info = world.view(space);
  CHECK(kind_of(world.spaces->cancel(guid, info.deliveries[0].delivery)) == Kind::conflict);
}

TEST_CASE("the owner sees what is open and can end it, the sender of it or not") {
  World world;
  const auto space = world.create(with_limits(100, 10));
  const Guid guid = space.space.guid;
  const std::string token = space.token.text();
  const auto empty = world.spaces->open_delivery(guid, {});
  world.clock.pass(Seconds(1));
  const auto filled = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, filled->delivery, "a", as_bytes("small")));
  const auto within = world.spaces->create_upload(guid, new_upload("b", 50, filled->delivery));
  const auto lone = world.spaces->create_upload(guid, new_upload("c", 40));
  REQUIRE(within);
  REQUIRE(lone);
  auto info = world.view(space);
  REQUIRE(info.open.size() == 2);  // a lone one is its upload
  CHECK(info.open[0] == wire::OpenDelivery{empty->delivery, 0, 0, empty->created});
  CHECK(info.open[1] == wire::OpenDelivery{filled->delivery, 1, 5, filled->created});
  CHECK(info.uploads.size() == 2);

  const std::string wrong = Token::random().text();
  CHECK(kind_of(world.spaces->end_upload(guid, wrong, lone->upload)) == Kind::not_found);
  CHECK(kind_of(world.spaces->end_delivery(guid, wrong, filled->delivery)) == Kind::not_found);
  CHECK(kind_of(world.spaces->end_upload(guid, token, filled->delivery)) == Kind::not_found);
  CHECK(kind_of(world.spaces->end_delivery(guid, token, lone->upload)) == Kind::not_found);
  CHECK(world.view(space).open.size() == 2);

  auto writer = world.spaces->write(guid, within->upload, 0, std::nullopt);
  REQUIRE(writer);
  REQUIRE((*writer)->write(as_bytes("part")));
  REQUIRE(world.spaces->end_delivery(guid, token, filled->delivery));
  CHECK_FALSE((*writer)->finish());
  writer->reset();
  REQUIRE(world.spaces->end_delivery(guid, token, empty->delivery));
  REQUIRE(world.spaces->end_upload(guid, token, lone->upload));
  info = world.view(space);
  CHECK(info.open.empty());
  CHECK(info.uploads.empty());
  CHECK(world.files_in("staging") == 0);
  REQUIRE(world.send(guid, "d", std::string(100, 'x')));  // all room is there again
  info = world.view(space);
  CHECK(kind_of(world.spaces->end_delivery(guid, token, info.deliveries[0].delivery)) == Kind::conflict);
  CHECK(kind_of(world.spaces->end_upload(guid, token, info.deliveries[0].files[0].file)) == Kind::conflict);
}

TEST_CASE("the owner ends an upload by its delivery, too, which it is named with") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  REQUIRE(world.spaces->create_upload(guid, new_upload("c", 40)));
  const auto upload = world.view(space).uploads.at(0);
  CHECK(kind_of(world.spaces->cancel(guid, upload.delivery)) == Kind::not_found);
  REQUIRE(world.spaces->end_delivery(guid, space.token.text(), upload.delivery));
  CHECK(world.view(space).uploads.empty());
  CHECK(kind_of(world.spaces->upload(guid, upload.upload)) == Kind::not_found);
}

TEST_CASE("an empty delivery cannot be committed") {
  World world;
  const auto space = world.create();
  const auto delivery = world.spaces->open_delivery(space.space.guid, {});
  CHECK(kind_of(world.spaces->commit(space.space.guid, delivery->delivery, {})) == Kind::conflict);
  CHECK(kind_of(world.spaces->commit(space.space.guid, Id::random(), {})) == Kind::not_found);
}

TEST_CASE("a text is a delivery without a file, when that is said, and as many as files may be") {
  World world;
  const auto space = world.create(with_limits(0, 1));
  const Guid guid = space.space.guid;
  const auto send_text = [&](const char* text) -> Result<wire::DeliveryState> {
    const auto delivery = world.spaces->open_delivery(guid, {.message = text});
    if (!delivery) return tl::unexpected(delivery.error());
    return world.spaces->commit(guid, delivery->delivery, {.files = 0});
  };
  const auto unsaid = world.spaces->open_delivery(guid, {.message = "lost its files"});
  REQUIRE(unsaid);
  CHECK(kind_of(world.spaces->commit(guid, unsaid->delivery, {})) == Kind::conflict);
  CHECK(kind_of(send_text("")) == Kind::conflict);
  REQUIRE(send_text("hello"));
  CHECK(kind_of(send_text("more")) == Kind::too_large);
  world.restart();
  CHECK(kind_of(send_text("more")) == Kind::too_large);
  const auto info = world.view(space);
  REQUIRE(info.deliveries.size() == 1);
  CHECK(info.deliveries[0].message == "hello");
  CHECK(info.deliveries[0].files.empty());
  CHECK(world.send(guid, "a", "a file has its own place"));
}

TEST_CASE("a delivery cannot be committed or filled from another space") {
  World world;
  const auto space = world.create();
  const auto other = world.create();
  const auto delivery = world.spaces->open_delivery(space.space.guid, {});
  REQUIRE(world.spaces->put_small(space.space.guid, delivery->delivery, "a", as_bytes("x")));
  CHECK(kind_of(world.spaces->put_small(other.space.guid, delivery->delivery, "a", as_bytes("x"))) == Kind::not_found);
  CHECK(kind_of(world.spaces->commit(other.space.guid, delivery->delivery, {})) == Kind::not_found);
  CHECK(kind_of(world.spaces->create_upload(other.space.guid, new_upload("a", 1, delivery->delivery))) ==
        Kind::not_found);
  const auto file = world.send(space.space.guid, "b", "secret");
  CHECK(kind_of(world.spaces->content(other.space.guid, other.token.text(), file->file)) == Kind::not_found);
  CHECK(kind_of(world.spaces->upload(other.space.guid, file->file)) == Kind::not_found);
}

TEST_CASE("a message that comes after its files keeps to the same rules") {
  World world;
  const auto space = world.create();
  const auto delivery = world.spaces->open_delivery(space.space.guid, {});
  REQUIRE(delivery);
  const auto set = [&](const std::string& message) {
    return kind_of(world.spaces->set_message(space.space.guid, delivery->delivery, message));
  };
  CHECK(set("\xff") == Kind::usage);
  CHECK(set(std::string(wire::most_message_bytes + 1, 'x')) == Kind::usage);
  CHECK(world.spaces->set_message(space.space.guid, delivery->delivery, "fine"));
}

TEST_CASE("messages count: a space, and the server, hold only so many bytes of them") {
  space::Policy policy;
  policy.max_total = 1'400'000;
  World world(policy);
  wire::CreateSpace wish;
  wish.max_size = 100'000;
  const auto space = world.create(wish);
  const std::string text(wire::most_message_bytes - 1, 'x');
  const auto say = [&](const space::Created& of) -> Result<Id> {
    const auto delivery = world.spaces->open_delivery(of.space.guid, {.message = text});
    if (!delivery) return tl::unexpected(delivery.error());
    const auto done = world.spaces->commit(of.space.guid, delivery->delivery, {.files = 0});
    if (!done) return tl::unexpected(done.error());
    return delivery->delivery;
  };
  const auto said = [&](const space::Created& of) {
    std::size_t count = 0;
    while (say(of) && count < 100) ++count;
    return count;
  };
  // As there is no room for more bytes of files. What is left is enough for the names of some.
  const std::size_t fit = space::least_texts / text.size();
  CHECK(said(space) == fit);
  CHECK(kind_of(say(space)) == Kind::too_large);
  CHECK(world.send(space.space.guid, "f", std::string(100'000, 'f')));  // files have their room all the same
  world.restart();
  CHECK(kind_of(say(space)) == Kind::too_large);
  const std::uint64_t held = fit * text.size() + 100'000 + 1;  // the name of that file, too
  CHECK(world.catalog->totals()->bytes == held);

  const auto others = world.create();
  CHECK(said(others) == (1'400'000 - held) / text.size());
  CHECK(kind_of(say(others)) == Kind::no_room);
  REQUIRE(world.spaces->remove(space.space.guid, space.token.text()));
  CHECK(say(others));
}
