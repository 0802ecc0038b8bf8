// How the client reaches its server: at once, by a proxy, or not at all.
#include "http/client.h"

#include "base/networks.h"
#include "http_requests.h"

using namespace qrx;
using namespace qrx::http;
using namespace qrx::test;

TEST_CASE("a port where nobody listens is trouble, told at once") {
  std::uint16_t port = 0;
  { port = ScriptedServer({}).port(); }
  Client client(*wire::Origin::parse("http://127.0.0.1:" + std::to_string(port)), quick());
  const auto answer = client.request(get());
  REQUIRE(!answer);
  CHECK(answer.error().kind == Kind::unavailable);
  CHECK(answer.error().what.find("connection refused") != std::string::npos);
}

TEST_CASE("a proxy that drips its answer has no more time for it than one that is silent") {
  std::atomic<int> dripped{0};
  constexpr int drips = 500;
  test::ScriptedServer server({[&](Peer& peer) {
    peer.head();
    peer.send("HTTP/1.1 200 OK\r\nX: ");
    for (; dripped < drips; ++dripped) {
      pollfd gone{peer.fd(), POLLIN, 0};  // readable: the client has closed
      if (::poll(&gone, 1, 20) > 0) return;
      peer.send("x");
    }
  }});
  ClientOptions options;
  options.proxy = "http://127.0.0.1:" + std::to_string(server.port());
  options.connect_time = Millis{300};
  Client client(*wire::Origin::parse("http://far.example"), options);
  const auto answer = client.request({});
  REQUIRE(!answer);
  CHECK(answer.error().kind == Kind::unavailable);
  client.close();
  CHECK(dripped < drips);  // it would have waited for all of them, 10 s
}

TEST_CASE("a proxy is asked for a tunnel, and its refusal is told") {
  std::string asked, through;
  ScriptedServer server({[&](Peer& peer) {
                           asked = peer.head();
                           peer.send("HTTP/1.1 200 Connection established\r\n\r\n");
                           through = peer.head();
                           peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                         },
                         answering("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")});
  auto options = quick();
  options.proxy = "http://127.0.0.1:" + std::to_string(server.port());
  const auto origin = *wire::Origin::parse("http://qrx.example:8460");
  {
    Client client(origin, options);
    const auto answer = client.request(get("/x"));
    REQUIRE(answer);
    CHECK(answer->body == "ok");
  }
  CHECK(asked == "CONNECT qrx.example:8460 HTTP/1.1\r\nHost: qrx.example:8460\r\n\r\n");
  CHECK(through.starts_with("GET /x HTTP/1.1\r\nHost: qrx.example:8460\r\n"));
  Client client(origin, options);
  const auto answer = client.request(get());
  REQUIRE(!answer);
  CHECK(answer.error().what.find("407") != std::string::npos);
}

TEST_CASE("a host that a server has named is connected to only where that server may lead") {
  const auto from = [](const char* text) { return Network::parse(text)->address; };
  ScriptedServer server({answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")});
  const auto ask = [&](const std::string& host, const char* led_by, const std::string& proxy) {
    auto options = quick();
    options.proxy = proxy;
    options.led_by = from(led_by);
    Client client(*wire::Origin::parse("http://" + host + ":" + std::to_string(server.port())), options);
    return client.request(get());
  };
  for (const char* host : {"127.0.0.1", "localhost"})
    for (const char* led_by : {"8.8.8.8", "192.168.0.1", "169.254.0.1"}) {
      INFO(host << " " << led_by);
      const auto answer = ask(host, led_by, "");
      REQUIRE(!answer);
      CHECK(answer.error().kind == Kind::unavailable);
      CHECK(answer.error().what.find("may not lead there") != std::string::npos);
    }
  // Where a proxy connects to is not known here.
  CHECK(!ask("8.8.8.8", "127.0.0.1", "http://127.0.0.1:" + std::to_string(server.port())));
  // The script answers once: none of those has come so far.
  CHECK(ask("127.0.0.1", "127.0.0.1", ""));
}

TEST_CASE("the address of the server is known once it was connected to, and stays when the connection ends") {
  ScriptedServer server(
      {answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"), [](Peer& peer) {
         peer.head();
         peer.send("HTTP/1.1 200 OK\r\n\r\n");
         peer.head();
         peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
       }});
  Client client(server.origin(), quick());
  CHECK(!client.server_address());
  REQUIRE(client.request(get()));
  CHECK(client.server_address() == Network::parse("127.0.0.1")->address);

  auto options = quick();
  options.proxy = "http://127.0.0.1:" + std::to_string(server.port());
  Client by_proxy(*wire::Origin::parse("http://qrx.example:8460"), options);
  REQUIRE(by_proxy.request(get()));
  CHECK(!by_proxy.server_address());
}
