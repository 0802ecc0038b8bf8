// Contents that a server has elsewhere: where its client asks for them, and what it tells there.
#include "api/owner_client.h"

#include "scripted_server.h"
#include "unit/catch.h"
#include "wire/messages.h"
#include "wire/resource.h"

using namespace qrx;
using namespace qrx::api;
using namespace qrx::test;

namespace {

std::string read_all(OwnerClient& client) {
  std::string out;
  std::array<std::byte, 4096> space;
  for (;;) {
    const auto got = client.read(space);
    if (!got) return "error: " + got.error().what;
    if (*got == 0) return out;
    out += as_text({space.data(), *got});
  }
}

std::string ok(const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string redirect(const std::string& to) {
  return "HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: " + to + "\r\n\r\n";
}

wire::OwnerLink link_to(const ScriptedServer& server) {
  return {server.origin(), Guid::random(), Token::random()};
}

}  // namespace

TEST_CASE("what a space is when it was closed is said by the answer to that") {
  wire::SpaceInfo info;
  info.state = wire::SpaceState::closed;
  info.seq = 7;
  info.next = "1-2-3";
  info.deliveries = {{Id::random(), {}, "first", {}}};
  const auto text = [&info] { return to_json(info, [](const Id& file) { return file.text(); }); };
  std::vector<std::string> asked;
  ScriptedServer server({[&](Peer& peer) {
    const auto answer = [&](const std::string& body) {
      const std::string head = peer.head();
      asked.push_back(head.substr(0, head.find('\r')));
      if (head.starts_with("PATCH")) CHECK(peer.read_until("}") == R"({"state":"closed"})");
      peer.send(ok(body));
    };
    answer(text());
    info.deliveries = {{Id::random(), {}, "second", {}}};
    info.next.clear();
    answer(text());
    // A server that says nothing of it is asked.
    answer("{}");
    answer(text());
  }});
  const wire::OwnerLink link = link_to(server);
  const std::string path = wire::path_of({wire::Resource::space, link.guid});
  OwnerClient client(link, {});
  const auto closed = client.close_space();
  REQUIRE(closed);
  CHECK(closed->seq == 7);
  REQUIRE(closed->deliveries.size() == 2);
  CHECK(closed->deliveries[1].message == "second");
  const auto again = client.close_space();
  REQUIRE(again);
  CHECK(again->deliveries.size() == 1);
  CHECK(asked == std::vector<std::string>{"PATCH " + path + " HTTP/1.1", "GET " + path + "?from=1-2-3 HTTP/1.1",
                                          "PATCH " + path + " HTTP/1.1", "GET " + path + " HTTP/1.1"});
}

TEST_CASE("a redirect to the contents is followed without the token, and only for the whole") {
  std::string asked, asked_there, asked_for_a_part;
  ScriptedServer store({[&](Peer& peer) {
    asked_there = peer.head();
    peer.send(ok("from the store"));
  }});
  ScriptedServer server({[&](Peer& peer) {
    asked = peer.head();
    peer.send(redirect(store.origin().url() + "/b/o?X-Amz-Signature=1&x=%2F"));
    asked_for_a_part = peer.head();
    peer.send("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 5-6/7\r\nContent-Length: 2\r\n\r\nre");
  }});
  OwnerClient client(link_to(server), {});
  REQUIRE(client.open(Id::random(), 0, std::nullopt));
  CHECK(read_all(client) == "from the store");
  CHECK(asked.find("Qrx-Follow: store\r\n") != std::string::npos);
  CHECK(asked_there.starts_with("GET /b/o?X-Amz-Signature=1&x=%2F HTTP/1.1\r\n"));
  CHECK(asked_there.find("Authorization") == std::string::npos);
  CHECK(asked_there.find("Qrx-") == std::string::npos);
  REQUIRE(client.open(Id::random(), 5, std::nullopt));
  CHECK(read_all(client) == "re");
  CHECK(asked_for_a_part.find("Qrx-Follow") == std::string::npos);
}

TEST_CASE("a store that is out of reach, or refuses, leads back to the server") {
  ScriptedServer store({[](Peer& peer) {
    (void)peer.head();
    peer.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\n\r\n<Error");
  }});
  for (const std::string& to :
       {store.origin().url() + "/refuses", std::string("http://127.0.0.1:1/nobody"), std::string("ftp://127.0.0.1/x"),
        std::string("nonsense"), std::string("/elsewhere"), std::string("http://user@127.0.0.1:1/x")}) {
    CAPTURE(to);
    std::string asked_again;
    ScriptedServer server({[&](Peer& peer) {
      (void)peer.head();
      peer.send(redirect(to));
      asked_again = peer.head();
      peer.send(ok("from the server"));
    }});
    OwnerClient client(link_to(server), {});
    REQUIRE(client.open(Id::random(), 0, std::nullopt));
    CHECK(read_all(client) == "from the server");
    CHECK(asked_again.find("Authorization: Bearer") != std::string::npos);
    CHECK(asked_again.find("Qrx-Follow") == std::string::npos);
  }
}

TEST_CASE("by a proxy no redirect is asked for, for nobody knows where that would connect to") {
  std::string asked;
  ScriptedServer proxy({[&](Peer& peer) {
    (void)peer.head();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    asked = peer.head();
    peer.send(ok("x"));
  }});
  http::ClientOptions options;
  options.proxy = proxy.origin().url();
  OwnerClient client(wire::OwnerLink{*wire::Origin::parse("http://qrx.example"), Guid::random(), Token::random()},
                     options);
  REQUIRE(client.open(Id::random(), 0, std::nullopt));
  CHECK(read_all(client) == "x");
  CHECK(asked.find("Qrx-Follow") == std::string::npos);
}

TEST_CASE("a recipient asks for no redirect: what they take is counted where it is handed out") {
  std::string asked;
  ScriptedServer server({[&](Peer& peer) {
    asked = peer.head();
    peer.send(ok("x"));
  }});
  OwnerClient client(wire::ShareLink{server.origin(), "token", {}}, {});
  REQUIRE(client.open(Id::random(), 0, std::nullopt));
  CHECK(read_all(client) == "x");
  CHECK(asked.find("Qrx-Follow") == std::string::npos);
}
