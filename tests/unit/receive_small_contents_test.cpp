// How small files are fetched: many by one request, and what a server that cannot do that, or lies, costs.
#include "receive/small_contents.h"

#include <map>

#include "base/running_sums.h"
#include "scripted_server.h"

using namespace qrx;
using namespace qrx::test;
using namespace qrx::receive;

namespace {

const std::vector<std::string> three{"one", "", "three"};

std::string answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// One delivery of these files, and what a run knows of it.
struct World {
  explicit World(const ScriptedServer& server, const std::vector<std::string>& files = three)
      : address(wire::OwnerLink{server.origin(), Id::random(), Token::random()}) {
    options.connections = 1;
    options.retry = {Millis(1), Millis(1), Millis(5'000)};
    contents.shown.delivery = Id::random();
    for (const auto& bytes : files) {
      Item item;
      item.info.file = Id::random();
      item.info.size = bytes.size();
      item.info.xxh128 = sums_of(as_bytes(bytes), false).xxh128;
      item.name = item.info.name = "file " + std::to_string(contents.items.size());
      contents.items.push_back(item);
      contents.shown.files.push_back(item.info);
    }
  }
  std::string together(const std::vector<std::pair<std::size_t, std::string>>& files) const {
    std::string body;
    for (const auto& [index, bytes] : files)
      wire::add_contents(body, contents.items[index].info.file, contents.items[index].info.xxh128, as_bytes(bytes));
    return body;
  }
  // Checks what it gets, as FileSaver does.
  Result<void> fetch() {
    const ReceiveJob job{address, options, interrupt, tally, gives_many, nullptr, &record};
    DeliveryProgress progress(job, contents, not_followed);
    api::OwnerClient client(address, options.client);
    std::vector<std::size_t> all(contents.items.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    SmallContents small(progress, client, [&](std::size_t index, std::string_view bytes) -> Result<void> {
      if (sums_of(as_bytes(bytes), false).xxh128 != contents.items[index].info.xxh128)
        return fail(Kind::integrity, "damaged");
      if (full) return fail(Kind::no_room, "full");
      kept[index] = std::string(bytes);
      ++times[index];
      return {};
    });
    auto done = small.fetch(all);
    if (!done) progress.fail_with(done.error());
    progress.remember(false);
    auto result = progress.result();
    return result ? Result<void>{} : tl::unexpected(result.error());
  }
  bool has_all(const std::vector<std::string>& files = three) const {
    for (std::size_t i = 0; i < files.size(); ++i)
      if (!kept.contains(i) || kept.at(i) != files[i] || times.at(i) != 1) return false;
    return kept.size() == files.size();
  }

  api::SpaceAddress address;
  ReceiverOptions options;
  http::Interrupt interrupt;
  ReceiverEvents events;
  ReceiveTally tally{events};
  std::atomic<bool> gives_many{true};
  SavedRecord record{"", Id::random()};
  DeliveryContents contents;
  FollowedOf not_followed = [](const Id&) { return std::optional<Followed>(); };
  bool full = false;
  std::map<std::size_t, std::string> kept;
  std::map<std::size_t, int> times;
};

// The path that was asked for.
std::string asked(Peer& peer) {
  const std::string head = peer.head();
  return head.substr(0, head.find(" HTTP"));
}

}  // namespace

TEST_CASE("many small files come by one request") {
  World* world = nullptr;
  std::string path;
  ScriptedServer server({[&](Peer& peer) {
    path = asked(peer);
    peer.send(answer("200 OK", world->together({{0, "one"}, {1, ""}, {2, "three"}})));
    CHECK(peer.closed_by_client());
  }});
  World here(server);
  world = &here;
  CHECK(here.fetch());
  CHECK(here.has_all());
  CHECK(here.gives_many);
  std::vector<Id> ids;
  for (const auto& item : here.contents.items) ids.push_back(item.info.file);
  CHECK(path == "GET /api/v1/spaces/" + here.address.name.text() + "/deliveries/" +
                    here.contents.shown.delivery.text() + "/contents?" + wire::contents_query(ids));
}

TEST_CASE("what is missing or damaged among many is asked for alone, and nothing else") {
  World* world = nullptr;
  std::vector<std::string> alone;
  ScriptedServer server({[&](Peer& peer) {
    asked(peer);
    peer.send(answer("200 OK", world->together({{0, "0ne"}, {2, "three"}})));
    for (const char* bytes : {"one", ""}) {
      alone.push_back(asked(peer));
      peer.send(answer("200 OK", bytes));
    }
  }});
  World here(server);
  world = &here;
  CHECK(here.fetch());
  CHECK(here.has_all());
  CHECK(here.gives_many);
  CHECK(alone.size() == 2);
  CHECK(alone.at(0).ends_with("/files/" + here.contents.items[0].info.file.text()));
  CHECK(alone.at(1).ends_with("/files/" + here.contents.items[1].info.file.text()));
}

TEST_CASE("a file that stays damaged is told, and the others are saved") {
  World* world = nullptr;
  ScriptedServer server({[&](Peer& peer) {
                           asked(peer);
                           peer.send(answer("200 OK", world->together({{0, "0ne"}, {1, ""}, {2, "three"}})));
                           asked(peer);
                           peer.send(answer("200 OK", "0ne"));
                         },
                         [&](Peer& peer) {
                           asked(peer);
                           peer.send(answer("200 OK", "0ne"));
                         }});
  World here(server);
  world = &here;
  const auto done = here.fetch();
  REQUIRE(!done);
  CHECK(done.error().kind == Kind::integrity);
  CHECK(here.kept.size() == 2);
}

TEST_CASE("a server that cannot give many is asked for each, and not again for many") {
  for (const char* status : {"405 Method Not Allowed", "404 Not Found", "400 Bad Request", "414 URI Too Long"}) {
    int requests = 0;
    const auto each = [&](Peer& peer) {
      for (const char* bytes : {"one", "", "three"}) {
        CHECK(asked(peer).find("/files/") != std::string::npos);
        ++requests;
        peer.send(answer("200 OK", bytes));
      }
    };
    ScriptedServer server({[&](Peer& peer) {
                             CHECK(asked(peer).find("/contents?") != std::string::npos);
                             peer.send(answer(status, "no"));
                           },
                           each, each});
    World here(server);
    CHECK(here.fetch());
    CHECK(here.has_all());
    CHECK(!here.gives_many);
    here.kept.clear();
    here.times.clear();
    CHECK(here.fetch());
    CHECK(here.has_all());
    CHECK(requests == 6);
  }
}

TEST_CASE("an answer that lies is refused as a whole, and each file is asked for") {
  std::vector<std::function<std::string(const World&)>> lies{
      [](const World&) { return answer("200 OK", "no such body"); },
      [](const World& world) {
        auto body = world.together({{0, "one"}});
        return answer("200 OK", body + body);
      },
      [](const World& world) {
        return answer("200 OK", world.together({{2, "three"}, {0, "one"}}));
      },
      [](const World& world) {
        return answer("200 OK", world.together({{0, "one and more"}}));
      },
      [](const World& world) {
        std::string body = world.together({{0, "one"}});
        wire::add_contents(body, Id::random(), {}, as_bytes(std::string_view("not asked for")));
        return answer("200 OK", body);
      },
      [](const World& world) {
        const auto body = world.together({{0, "one"}, {1, ""}, {2, "three"}});
        return answer("200 OK", body.substr(0, body.size() - 1));
      },
      // Of more bytes than all that was asked for, by its length, and without an end.
      [](const World&) { return std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"); },
      [](const World&) { return "HTTP/1.1 200 OK\r\n\r\n" + std::string(200'000, 'x'); },
      [](const World& world) { return answer("204 No Content", "") + world.together({}); },
  };
  for (const auto& lie : lies) {
    World* world = nullptr;
    ScriptedServer server({[&](Peer& peer) {
                             asked(peer);
                             peer.send(lie(*world));
                             peer.closed_by_client();
                           },
                           [](Peer& peer) {
                             for (const char* bytes : {"one", "", "three"}) {
                               asked(peer);
                               peer.send(answer("200 OK", bytes));
                             }
                           }});
    World here(server);
    world = &here;
    CHECK(here.fetch());
    CHECK(here.has_all());
    CHECK(!here.gives_many);
  }
}

TEST_CASE("a way that cuts the answer is tried again, and then each file is asked for") {
  const auto cut = [](Peer& peer) {
    asked(peer);
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf");
  };
  ScriptedServer server({cut, cut, [](Peer& peer) {
                           for (const char* bytes : {"one", "", "three"}) {
                             CHECK(asked(peer).find("/files/") != std::string::npos);
                             peer.send(answer("200 OK", bytes));
                           }
                         }});
  World here(server);
  CHECK(here.fetch());
  CHECK(here.has_all());
  // It may have been the network: the next task tries again.
  CHECK(here.gives_many);
}

TEST_CASE("of more files than one request holds the requests go out together, and what came stays") {
  std::vector<std::string> files;
  for (std::size_t i = 0; i < wire::most_contents_files + 2; ++i) files.push_back(std::to_string(i));
  World* world = nullptr;
  const auto part = [&](std::size_t from, std::size_t to) {
    std::vector<std::pair<std::size_t, std::string>> some;
    for (std::size_t i = from; i < to; ++i) some.emplace_back(i, files[i]);
    return answer("200 OK", world->together(some));
  };
  ScriptedServer server({[&](Peer& peer) {
                           asked(peer);
                           asked(peer);
                           peer.send(part(0, wire::most_contents_files));
                         },
                         [&](Peer& peer) {
                           asked(peer);
                           peer.send(part(wire::most_contents_files, files.size()));
                         }});
  World here(server, files);
  world = &here;
  CHECK(here.fetch());
  CHECK(here.has_all(files));
}

TEST_CASE("a disk that is full ends it, whoever gave the bytes") {
  World* world = nullptr;
  ScriptedServer server({[&](Peer& peer) {
    asked(peer);
    peer.send(answer("200 OK", world->together({{0, "one"}, {1, ""}, {2, "three"}})));
  }});
  World here(server);
  world = &here;
  here.full = true;
  const auto done = here.fetch();
  REQUIRE(!done);
  CHECK(done.error().kind == Kind::no_room);
  CHECK(here.gives_many);
}
