// The front's requests, answers and ends of connections, over real sockets.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "running_front.h"

using namespace front_test;

namespace {

Reply echo(const std::shared_ptr<const Request>& request) {
  return text_answer(request->method + " " + request->path);
}

ServerOptions with(const std::function<void(ServerOptions&)>& change) {
  auto options = quick_options();
  change(options);
  return options;
}

}  // namespace

TEST_CASE("requests on one connection are answered one after the other") {
  Running running(echo);
  Raw raw(running);
  raw.send(get("/a"));
  const auto first = raw.response();
  CHECK(status_of(first) == 200);
  CHECK(body_of(first) == "GET /a");
  CHECK(has(first, "Content-Type: text/plain\r\n"));
  CHECK(has(first, "Date: "));
  CHECK_FALSE(has(first, "Keep-Alive"));
  raw.send(get("/b", "Connection: close\r\n"));
  const auto second = raw.response();
  CHECK(body_of(second) == "GET /b");
  CHECK(has(second, "Connection: close\r\n"));
  CHECK(raw.is_closed());
}

TEST_CASE("requests that come in one packet are all answered, in order") {
  Running running(echo);
  Raw raw(running);
  std::string all;
  for (int i = 0; i < 50; ++i) all += get("/" + std::to_string(i));
  raw.send(all);
  for (int i = 0; i < 50; ++i) REQUIRE(body_of(raw.response()) == "GET /" + std::to_string(i));
}

TEST_CASE("a client that sends requests without waiting lets others have their turn") {
  std::atomic<int> flood{0};
  std::atomic<int> flood_before{-1};
  std::atomic<bool> held{true};
  const auto handler = [&](const std::shared_ptr<const Request>& request) -> Reply {
    if (request->path == "/hold")
      while (held) std::this_thread::sleep_for(1ms);
    else if (request->path == "/flood")
      ++flood;
    else
      flood_before = flood.load();
    return text_answer("ok");
  };
  // One thread, which is held until the flood and the other client both wait for it.
  Running running(handler, with([](auto& options) { options.least_threads = options.most_threads = 1; }));
  Raw holding(running), flooding(running), other(running);
  holding.send(get("/hold"));
  std::string many;
  for (int i = 0; i < 200; ++i) many += get("/flood");
  flooding.send(many);
  std::this_thread::sleep_for(50ms);
  other.send(get("/other"));
  std::this_thread::sleep_for(50ms);
  held = false;
  CHECK(status_of(other.response()) == 200);
  CHECK(flood_before >= 0);
  CHECK(flood_before < 50);
  for (int i = 0; i < 200; ++i) REQUIRE(status_of(flooding.response()) == 200);
}

TEST_CASE("a head that comes byte by byte is a head") {
  Running running(echo);
  Raw raw(running);
  for (const char c : get("/slow")) raw.send(std::string(1, c));
  CHECK(body_of(raw.response()) == "GET /slow");
}

TEST_CASE("a head that takes too long is answered 408, and an idle connection is closed") {
  Running running(echo, with([](auto& options) { options.head_time = options.idle_time = Millis(50); }));
  Raw slow(running);
  slow.send("GET / HTTP/1.1\r\nHo");
  CHECK(status_of(slow.rest()) == 408);
  Raw silent(running);
  CHECK(silent.is_closed());
  Raw idle(running);
  idle.send(get("/"));
  CHECK(status_of(idle.response()) == 200);
  CHECK(idle.is_closed());
}

TEST_CASE("a request that is not sound is refused, and nothing after it is served") {
  std::atomic<int> served{0};
  Running running([&](const auto& request) {
    ++served;
    return echo(request);
  });
  const std::string hidden = get("/hidden");
  for (const std::string bad :
       {"GET / HTTP/1.1\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    Raw raw(running);
    raw.send(bad);
    const auto answer = raw.response();
    CHECK(status_of(answer) == 400);
    CHECK(has(answer, "Connection: close\r\n"));
    raw.send(hidden);
    CHECK(raw.is_closed());
  }
  Raw raw(running);
  raw.send("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(has(raw.response(), "Allow: GET, HEAD"));
  CHECK(served == 0);
}

TEST_CASE("answers have a body only where one belongs") {
  Running running([](const auto& request) -> Reply {
    if (request->path == "/head") {
      auto answer = text_answer("12345");
      answer.headers = {
          {"X-Mine", "yes"}, {"Accept-Ranges", "bytes"}, {"Evil", "a\r\nInjected: b"}, {"Content-Length", "99"}};
      return answer;
    }
    if (request->path == "/460") return text_answer("sum", 460);
    Answer answer;
    answer.status = std::stoi(request->path.substr(1));
    return answer;
  });
  Raw raw(running);
  raw.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto head = raw.response(false);
  CHECK(has(head, "Content-Length: 5\r\n"));
  CHECK(has(head, "X-Mine: yes\r\n"));
  CHECK(has(head, "Accept-Ranges: bytes\r\n"));
  CHECK_FALSE(has(head, "Injected"));
  CHECK_FALSE(has(head, "99"));
  CHECK(head.ends_with("\r\n\r\n"));
  for (const char* status : {"204", "304"}) {
    raw.send(get("/" + std::string(status)));
    const auto bare = raw.response();
    CHECK(status_of(bare) == std::stoi(status));
    CHECK_FALSE(has(bare, "Content-"));
    CHECK(bare.ends_with("\r\n\r\n"));
  }
  raw.send(get("/200"));
  const auto empty = raw.response();
  CHECK(has(empty, "Content-Length: 0\r\n"));
  CHECK_FALSE(has(empty, "Content-Type"));
  raw.send("HEAD /200 HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK_FALSE(has(raw.response(false), "Accept-Ranges"));
  raw.send(get("/460"));
  CHECK(has(raw.response(), "HTTP/1.1 460 Checksum Mismatch\r\n"));
}

TEST_CASE("HTTP/1.0 is closed after the answer, unless it asks to be kept") {
  Running running(echo);
  Raw closing(running);
  closing.send("GET /old HTTP/1.0\r\n\r\n");
  CHECK(body_of(closing.rest()) == "GET /old");
  Raw kept(running);
  kept.send("GET /old HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(has(kept.response(), "Connection: keep-alive\r\n"));
  kept.send(get("/new"));
  CHECK(body_of(kept.response()) == "GET /new");
}

TEST_CASE("a client that ends its side still gets its answer") {
  Running running(echo);
  Raw raw(running);
  raw.send(get("/half"));
  ::shutdown(raw.fd(), SHUT_WR);
  CHECK(body_of(raw.rest()) == "GET /half");
}

TEST_CASE("a handler that throws is a 500 without details") {
  Running running([](const auto&) -> Reply { throw std::runtime_error("secret"); });
  Raw raw(running);
  raw.send(get("/"));
  const auto answer = raw.response();
  CHECK(status_of(answer) == 500);
  CHECK_FALSE(has(answer, "secret"));
}

TEST_CASE("what an exception says is told, and it ends one exchange only") {
  std::mutex mutex;
  std::vector<std::string> told;
  auto options = quick_options();
  options.failed = [&](const std::string& what) {
    const std::lock_guard lock(mutex);
    told.push_back(what);
  };
  Running running(
      [](const std::shared_ptr<const Request>& request) -> Reply {
        if (request->path == "/handler") throw std::runtime_error("in a handler");
        if (request->path == "/work")
          return Work{[](const std::stop_token&) -> Reply { throw std::runtime_error("in work"); }};
        if (request->path == "/wait")
          return Wait{Id::random(), std::chrono::steady_clock::now() + 10s,
                      [](bool) -> std::optional<Reply> { throw std::runtime_error("in a wait"); }};
        return text_answer("fine");
      },
      options);
  Raw raw(running);
  for (const char* path : {"/handler", "/work", "/wait"}) {
    raw.send(get(path));
    CHECK(status_of(raw.response()) == 500);
  }
  raw.send(get("/"));
  CHECK(body_of(raw.response()) == "fine");
  const std::lock_guard lock(mutex);
  CHECK(told == std::vector<std::string>{"in a handler", "in work", "in a wait"});
}

TEST_CASE("the peer is who a trusted proxy says, and nobody else's word counts") {
  const auto peer = [](const auto& request) -> Reply { return text_answer(request->peer); };
  Running trusting(peer, with([](auto& options) {
                     options.trusted_proxies = {"127.0.0.0/8", "10.0.0.0/8", "2001:db8::/32"};
                   }));
  Running plain(peer);
  const auto ask = [](const Running& running, const std::string& forwarded) {
    Raw raw(running);
    raw.send(get("/", "X-Forwarded-For: " + forwarded + "\r\n"));
    return body_of(raw.response());
  };
  CHECK(ask(plain, "192.0.2.1") == "127.0.0.1");
  CHECK(ask(trusting, "192.0.2.1") == "192.0.2.1");
  CHECK(ask(trusting, "6.6.6.6, 192.0.2.1, 10.1.2.3") == "192.0.2.1");
  CHECK(ask(trusting, "6.6.6.6\r\nX-Forwarded-For: 192.0.2.7") == "192.0.2.7");
  CHECK(ask(trusting, "[2001:db9::1]:443, 2001:db8::5") == "2001:db9::1");
  CHECK(ask(trusting, "10.0.0.9") == "10.0.0.9");
  CHECK(ask(trusting, "6.6.6.6, unknown, 10.0.0.9") == "10.0.0.9");
  CHECK(ask(trusting, "garbage") == "127.0.0.1");
}

TEST_CASE("networks of proxies are checked when they are given") {
  for (const char* bad : {"10.0.0.0/33", "10.0.0/8", "host", "::1/129", "10.0.0.0/", "10.0.0.0/8x", ""}) {
    Server server(with([bad](auto& options) { options.trusted_proxies = {bad}; }), echo, plain_error);
    CHECK_FALSE(server.bind());
  }
}

TEST_CASE("when there are too many connections the one that rests longest makes room") {
  Running running(echo, with([](auto& options) { options.most_connections = 3; }));
  std::vector<std::unique_ptr<Raw>> raws;
  for (int i = 0; i < 3; ++i) {
    raws.push_back(std::make_unique<Raw>(running));
    raws.back()->send(get("/"));
    CHECK(status_of(raws.back()->response()) == 200);
  }
  Raw fourth(running);
  fourth.send(get("/4"));
  CHECK(body_of(fourth.response()) == "GET /4");
  CHECK(raws.front()->is_closed());
}

TEST_CASE("a Unix socket serves, tells its control, and goes away with the server") {
  const std::string path =
      std::filesystem::temp_directory_path() / ("qrx-front-" + std::to_string(::getpid()) + ".sock");
  const auto options = with([&](auto& changed) { changed.endpoints.push_back({"unix:" + path, true, false}); });
  const auto tell = [](const auto& request) -> Reply {
    return text_answer((request->control ? "control" : "open") + request->peer);
  };
  {
    Running running(tell, options);
    CHECK(running.server.addresses().at(1) == "unix:" + path);
    Raw local(path);
    local.send(get("/"));
    CHECK(body_of(local.response()) == "control");
    Raw tcp(running);
    tcp.send(get("/"));
    CHECK(body_of(tcp.response()) == "open127.0.0.1");
    Server second(options, tell, plain_error);
    CHECK(second.bind().error().kind == Kind::exists);
    local.send(get("/"));
    CHECK(body_of(local.response()) == "control");
  }
  struct stat status {};
  CHECK(::lstat(path.c_str(), &status) != 0);
}

TEST_CASE("addresses that cannot be listened on are named") {
  for (const char* bad : {"127.0.0.1", "127.0.0.1:99999", "::1:80", "no.such.host.invalid:0", "unix:", "127.0.0.1:x"}) {
    Server server(with([bad](auto& options) { options.endpoints = {{bad, false, false}}; }), echo, plain_error);
    CHECK_FALSE(server.bind());
  }
  Running first(echo);
  Server second(with([&](auto& options) {
                  options.endpoints = {{first.server.addresses().at(0), false, false}};
                }),
                echo, plain_error);
  const auto bound = second.bind();
  REQUIRE_FALSE(bound);
  CHECK(has(bound.error().what, first.server.addresses().at(0)));
}

TEST_CASE("a stopped server closes idle connections and lets go at once") {
  Running running(echo);
  Raw raw(running);
  raw.send(get("/"));
  CHECK(status_of(raw.response()) == 200);
  const auto start = std::chrono::steady_clock::now();
  running.stop();
  CHECK(running.ran);
  CHECK(std::chrono::steady_clock::now() - start < 1s);
  CHECK(raw.is_closed());
}
