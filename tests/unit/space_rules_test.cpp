// Who may do what with a space, and when what becomes visible.
#include "unit/catch.h"

#include <thread>

#include "space/page_start.h"
#include "unit/space_sharing.h"
#include "unit/space_wrapped.h"

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

TEST_CASE("an expired space is gone for who holds its token, unknown to everyone else") {
  World world;
  const auto space = world.create(expiring_in(Seconds(60)));
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  const auto file = world.send(guid, "a", "bytes");
  REQUIRE(file);
  world.clock.pass(Seconds(59));
  CHECK(world.spaces->view(guid, space.token.text()));
  world.clock.pass(Seconds(1));
  CHECK(kind_of(world.spaces->view(guid, space.token.text())) == Kind::gone);
  CHECK(kind_of(world.spaces->owned(guid, space.token.text())) == Kind::gone);
  CHECK(kind_of(world.spaces->content(guid, space.token.text(), file->file)) == Kind::gone);
  CHECK(kind_of(world.spaces->extend(guid, space.token.text(), {})) == Kind::gone);
  CHECK(kind_of(world.spaces->view(guid, Token::random().text())) == Kind::not_found);
  CHECK(kind_of(world.spaces->drop(guid)) == Kind::not_found);
  CHECK(kind_of(world.send(guid, "b", "x")) == Kind::not_found);
  CHECK(kind_of(world.spaces->put_small(guid, delivery->delivery, "b", as_bytes("x"))) == Kind::not_found);
  CHECK(kind_of(world.spaces->commit(guid, delivery->delivery, {})) == Kind::not_found);
  CHECK_FALSE(world.spaces->seq(guid));
}

TEST_CASE("a space may live longer when its owner asks, but not for ever") {
  World world({.expire = Seconds(60), .max_expire = Seconds(3600)});
  const auto space = world.create();
  wire::ChangeSpace change;
  change.expire = Seconds(100'000);
  REQUIRE(world.spaces->extend(space.space.guid, space.token.text(), change));
  CHECK(world.view(space).expires == world.clock.wall() + Seconds(3600));
  change.expire = Seconds(-1);
  CHECK(kind_of(world.spaces->extend(space.space.guid, space.token.text(), change)) == Kind::usage);
  world.restart();
  CHECK(world.view(space).expires == world.clock.wall() + Seconds(3600));
}

TEST_CASE("a closed space takes no new deliveries, those under way may end") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  wire::ChangeSpace change;
  change.state = wire::SpaceState::closed;
  REQUIRE(world.spaces->extend(guid, space.token.text(), change));
  CHECK(world.view(space).state == wire::SpaceState::closed);
  CHECK(world.spaces->drop(guid)->state == wire::SpaceState::closed);
  CHECK(kind_of(world.send(guid, "a", "x")) == Kind::denied);
  CHECK(kind_of(world.spaces->open_delivery(guid, {})) == Kind::denied);
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "a", as_bytes("x")));
  CHECK(world.spaces->commit(guid, delivery->delivery, {}));
  change.state = wire::SpaceState::open;
  REQUIRE(world.spaces->extend(guid, space.token.text(), change));
  CHECK(world.send(guid, "a", "x"));
}

TEST_CASE("wishes for a space are checked") {
  World world({.max_size = 1000, .max_files = 10});
  wire::CreateSpace wish;
  wish.label = std::string(201, 'x');
  CHECK(kind_of(world.spaces->create(wish)) == Kind::usage);
  wish.label = "\xff";
  CHECK(kind_of(world.spaces->create(wish)) == Kind::usage);
  wish.label = std::string(200, 'x');
  wish.key = "age1nonsense";
  CHECK(kind_of(world.spaces->create(wish)) == Kind::usage);
  wish.key = "AGE1QL3Z7HJY54PW3HYWW5AYYFG7ZQGVC7W3J2ELW8ZMRJ2KG5SFN9AQMCAC8P";
  wish.expire = Seconds(0);
  CHECK(kind_of(world.spaces->create(wish)) == Kind::usage);
  wish.expire = Seconds(10);
  wish.max_size = 5000;
  wish.max_files = 3;
  const auto created = world.spaces->create(wish);
  REQUIRE(created);
  CHECK(created->space.limits == wire::Limits{1000, 3});
  CHECK(created->space.key == "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p");
}

TEST_CASE("the limits of a space hold, keeping some room for what was only announced") {
  World world;
  const auto space = world.create(with_limits(100, 3));
  const Guid guid = space.space.guid;
  CHECK(kind_of(world.send(guid, "a", std::string(101, 'x'))) == Kind::too_large);
  const auto announced = world.spaces->create_upload(guid, new_upload("a", 90));
  REQUIRE(announced);
  CHECK(kind_of(world.send(guid, "b", std::string(76, 'x'))) == Kind::no_room_now);  // a quarter is kept for the other
  REQUIRE(world.send(guid, "b", std::string(10, 'x')));
  CHECK(world.spaces->drop(guid)->limits == wire::Limits{90, 2});  // a sender may ask about its own upload
  REQUIRE(world.spaces->remove_upload(guid, announced->upload));
  REQUIRE(world.send(guid, "c", "x"));
  REQUIRE(world.send(guid, "d", ""));
  CHECK(kind_of(world.send(guid, "e", "")) == Kind::too_large);
  CHECK(world.spaces->drop(guid)->state == wire::SpaceState::closed);
  CHECK(world.files_in("staging") == 0);
}

TEST_CASE("the limits hold after a restart too") {
  World world;
  const auto space = world.create(with_limits(100, 3));
  const Guid guid = space.space.guid;
  REQUIRE(world.send(guid, "a", std::string(60, 'x')));
  const auto begun = world.spaces->create_upload(guid, new_upload("b", 40));
  {
    auto writer = world.spaces->write(guid, begun->upload, 0, std::nullopt);
    REQUIRE((*writer)->write(as_bytes(std::string(30, 'x'))));
  }
  world.restart();
  CHECK(kind_of(world.send(guid, "c", std::string(11, 'x'))) == Kind::no_room_now);
  CHECK(world.send(guid, "c", std::string(10, 'x')));
  CHECK(kind_of(world.send(guid, "d", "")) == Kind::no_room_now);
}

TEST_CASE("the limits hold while many send at once") {
  World world;
  const auto space = world.create(with_limits(1000, 50));
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  std::atomic<unsigned> taken{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 8; ++thread)
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 30; ++i) {
        const std::string name = std::to_string(thread) + "-" + std::to_string(i);
        const std::string bytes(30, 'x');
        if (i % 2 == 0 ? world.spaces->put_small(guid, delivery->delivery, name, as_bytes(bytes)).has_value()
                       : world.send(guid, name, bytes).has_value())
          ++taken;
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(taken == 33);  // 33 * 30 = 990 bytes
  REQUIRE(world.spaces->commit(guid, delivery->delivery, {}));
  std::uint64_t bytes = 0;
  for (const auto& one : world.view(space).deliveries)
    for (const auto& file : one.files) bytes += file.size;
  CHECK(bytes == 990);
}

TEST_CASE("the server's limits hold for all spaces together") {
  World world({.max_total = 100, .max_spaces = 2});
  const auto first = world.create();
  const auto second = world.create();
  CHECK(kind_of(world.spaces->create({})) == Kind::no_room);
  REQUIRE(world.send(first.space.guid, "a", std::string(60, 'x')));
  CHECK(kind_of(world.send(second.space.guid, "a", std::string(60, 'x'))) == Kind::no_room);
  REQUIRE(world.spaces->remove(first.space.guid, first.token.text()));
  CHECK(world.send(second.space.guid, "a", std::string(60, 'x')));
  CHECK(world.spaces->create({}));
  world.restart();
  CHECK(kind_of(world.spaces->create({})) == Kind::no_room);
  CHECK(kind_of(world.send(second.space.guid, "b", std::string(60, 'x'))) == Kind::no_room);
}

TEST_CASE("hostile names go no further than the rules") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto delivery = world.spaces->open_delivery(guid, {});
  for (const std::string name : {"", "..", "../../etc/passwd", "/abs", "a\nb", "C:\\x", "\xff"}) {
    CHECK(kind_of(world.send(guid, name, "x")) == Kind::integrity);
    CHECK(kind_of(world.spaces->put_small(guid, delivery->delivery, name, as_bytes("x"))) == Kind::integrity);
  }
}

TEST_CASE("a space for sealed files takes no plain text") {
  World world;
  wire::CreateSpace wish;
  wish.seal = wire::Seal::require;
  const auto space = world.create(wish);
  const auto delivery = world.spaces->open_delivery(space.space.guid, {.message = "hello"});
  REQUIRE(delivery);
  CHECK(kind_of(world.spaces->commit(space.space.guid, delivery->delivery, {.files = 0})) == Kind::denied);
}

TEST_CASE("a removed space is unknown at once and its files are gone") {
  World world;
  const auto space = world.create();
  const Guid guid = space.space.guid;
  const auto file = world.send(guid, "a", "bytes");
  const auto delivery = world.spaces->open_delivery(guid, {});
  REQUIRE(world.spaces->put_small(guid, delivery->delivery, "b", as_bytes("small")));
  const auto upload = world.spaces->create_upload(guid, new_upload("c", 10));
  auto writer = world.spaces->write(guid, upload->upload, 0, std::nullopt);
  REQUIRE((*writer)->write(as_bytes("part")));
  const auto content = world.spaces->content(guid, space.token.text(), file->file);
  const unsigned events = world.events.of_space(guid);
  REQUIRE(world.spaces->remove(guid, space.token.text()));
  CHECK(world.events.of_space(guid) > events);
  CHECK(kind_of(world.spaces->view(guid, space.token.text())) == Kind::not_found);
  CHECK(kind_of(world.spaces->drop(guid)) == Kind::not_found);
  CHECK_FALSE((*writer)->write(as_bytes("more")));
  CHECK_FALSE((*writer)->finish());
  CHECK(world.files_in("blobs") == 0);
  CHECK(world.files_in("staging") == 0);
  char bytes[5];  // who has it open goes on reading
  CHECK((*content)->read_at(0, std::as_writable_bytes(std::span(bytes))) == 5U);
}

TEST_CASE("the SHA-256 of a file is computed once and remembered") {
  World world;
  FaultyBlobs blobs(*world.blobs);
  space::Spaces spaces(*world.catalog, blobs, world.clock, world.events, world.policy);
  const auto space = world.create();
  const auto delivery = spaces.open_delivery(space.space.guid, {});
  REQUIRE(spaces.put_small(space.space.guid, delivery->delivery, "x", as_bytes("something before")));
  const auto file = spaces.put_small(space.space.guid, delivery->delivery, "a", as_bytes("abc"));
  REQUIRE(spaces.commit(space.space.guid, delivery->delivery, {}));
  const unsigned opens = blobs.opens;
  for (int i = 0; i < 3; ++i) {
    const auto sum = spaces.sha256(*file);
    REQUIRE(sum);
    CHECK(to_hex(*sum) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(world.catalog->file(file->file)->value().sha256 == *sum);
    CHECK(blobs.opens == opens + 1);
  }
  space::Spaces restarted(*world.catalog, blobs, world.clock, world.events, world.policy);
  const auto remembered = restarted.sha256(*file);
  REQUIRE(remembered);
  CHECK(*remembered == spaces.sha256(*file).value());
  CHECK(blobs.opens == opens + 1);
}

TEST_CASE("a space is shown page by page, each file once, and a delivery that comes meanwhile as a whole") {
  World world;
  const auto space = world.create({});
  const Guid guid = space.space.guid;
  const auto deliver = [&](const std::string& name, int files) {
    const auto delivery = world.spaces->open_delivery(guid, {name});
    REQUIRE(delivery);
    for (int i = 0; i < files; ++i)
      REQUIRE(world.spaces->put_small(guid, delivery->delivery, name + std::to_string(i), as_bytes("x")));
    REQUIRE(world.spaces->commit(guid, delivery->delivery, {}));
    world.clock.pass(Seconds(1));
  };
  deliver("a", 3);
  deliver("b", 7);
  REQUIRE(world.send(guid, "alone", "x"));
  world.clock.pass(Seconds(1));
  REQUIRE(world.spaces->create_upload(guid, {"running", {}, 5, {}, false}));

  std::vector<wire::DeliveryInfo> all;
  space::PageStart from;
  std::size_t pages = 0, uploads = 0;
  do {
    auto page = world.spaces->view(guid, space.token.text(), from, {4, 1U << 20});
    REQUIRE(page);
    if (++pages == 1) deliver("c", 5);
    std::size_t files = 0;
    for (const auto& delivery : page->deliveries) files += delivery.files.size();
    CHECK(files <= 4);
    CHECK(files > 0);
    uploads += page->uploads.size();
    wire::append_page(all, std::move(page->deliveries));
    from = page->next.empty() ? space::PageStart{} : space::page_start_from_text(page->next).value();
  } while (from != space::PageStart{});
  CHECK(pages == 4);
  CHECK(uploads == 1);
  REQUIRE(all.size() == 4);
  CHECK(all[0].files.size() == 3);
  CHECK(all[1].files.size() == 7);
  CHECK(all[2].files.size() == 1);
  CHECK(all[3].files.size() == 5);
  for (std::size_t i = 0; i < 7; ++i) CHECK(all[1].files[i].name == "b" + std::to_string(i));

  // Long names end a page early, but never an empty one.
  const auto narrow = world.spaces->view(guid, space.token.text(), {}, {1000, 1});
  REQUIRE(narrow);
  CHECK(narrow->deliveries.at(0).files.size() == 1);
  CHECK_FALSE(narrow->next.empty());
  for (const char* text :
       {"", "1", "1-2", "1-2-", "1-2-3-4", "-1-2-3", "1--2-3", "x-1-2", "1-2-99999999999999999999999"})
    CHECK_FALSE(space::page_start_from_text(text));
}

TEST_CASE("an unknown space and a wrong token cost the same looks into the catalog") {
  World world;
  CountedCatalog catalog(*world.catalog);
  space::Spaces spaces(catalog, *world.blobs, world.clock, world.events, world.policy);
  space::Shares shares(spaces, {});
  const auto space = spaces.create({});
  REQUIRE(space);
  REQUIRE(spaces.owned(space->space.guid, space->token.text()));
  const auto cost = [&](const Guid& guid, const auto& ask) {
    const std::pair<unsigned, unsigned> before{catalog.spaces, catalog.others};
    REQUIRE(kind_of(ask(guid, Token::random().text())) == Kind::not_found);
    return std::pair(catalog.spaces - before.first, catalog.others - before.second);
  };
  const auto same = [&](const char* name, const auto& ask) {
    INFO(name);
    const auto wrong = cost(space->space.guid, ask);
    for (int i = 0; i < 2; ++i) CHECK(cost(Id::random(), ask) == wrong);
    CHECK(cost(space->space.guid, ask) == wrong);
  };
  same("owned", [&](const Guid& guid, const std::string& token) { return spaces.owned(guid, token); });
  same("view", [&](const Guid& guid, const std::string& token) { return spaces.view(guid, token); });
  same("content",
       [&](const Guid& guid, const std::string& token) { return spaces.content(guid, token, Id::random()); });
  same("extend", [&](const Guid& guid, const std::string& token) { return spaces.extend(guid, token, {}); });
  same("remove", [&](const Guid& guid, const std::string& token) { return spaces.remove(guid, token); });
  same("share",
       [&](const Guid& guid, const std::string& token) { return shares.create(guid, token, to({"a@example.org"})); });
  same("shares", [&](const Guid& guid, const std::string& token) { return shares.list(guid, token); });
}

TEST_CASE("that a receiver understands packs is kept with its space") {
  World world;
  wire::CreateSpace wish;
  wish.packs = true;
  const Guid with = world.create(wish).space.guid, without = world.create().space.guid;
  for (int run = 0; run < 2; ++run) {
    CHECK(world.spaces->drop(with)->packs);
    CHECK_FALSE(world.spaces->drop(without)->packs);
    world.restart();
  }
}
