// Bodies of answers out of sources, over real sockets.
#include "front_bodies.h"

using namespace front_test;

TEST_CASE("a file goes out whole, and counts as taken when the client has it") {
  const auto body = pattern(6'000'000);
  const TempFile file(body);
  Seen seen;
  Running running([&](const auto&) -> Reply {
    return send_of(seen, body.size(),
                   pieces({BodySource::FilePiece{file.fd(), 0, 1'000'000},
                           BodySource::FilePiece{file.fd(), 1'000'000, 5'000'000}}));
  });
  Raw raw(running.port(), 65536);
  raw.send(get("/"));
  std::string response = raw.some();
  CHECK(has(response, "Content-Length: 6000000\r\n"));
  CHECK(seen.completed == 0);  // most of it is still here
  const auto whole = response.find("\r\n\r\n") + 4 + body.size();
  while (response.size() < whole) {
    const auto bytes = raw.some();
    if (bytes.empty()) break;
    response += bytes;
  }
  CHECK(body_of(response) == body);
  CHECK(soon([&] { return seen.completed == 1; }));
  CHECK(seen.broken_off == 0);
  raw.send(get("/"));
  CHECK(has(raw.some(), "200 OK"));
}

TEST_CASE("a client that leaves in the middle of a download has not taken it") {
  const TempFile file(pattern(6'000'000));
  Seen seen;
  Running running([&](const auto&) -> Reply {
    return send_of(seen, 6'000'000, pieces({BodySource::FilePiece{file.fd(), 0, 6'000'000}}));
  });
  {
    Raw raw(running.port(), 65536);
    raw.send(get("/"));
    CHECK(has(raw.some(), "200 OK"));
  }
  CHECK(soon([&] { return seen.destroyed == 1; }));
  CHECK(seen.completed == 0);
  CHECK(seen.broken_off == 1);
  CHECK(seen.unsent > 3'000'000);  // most of it did not fit into that socket
  CHECK(seen.unsent < 6'000'000);
}

TEST_CASE("a body of unknown length is chunked, and ends with the connection for HTTP/1.0") {
  const TempFile file("from the file");
  Seen seen;
  Running running([&](const auto&) -> Reply {
    return send_of(seen, std::nullopt,
                   pieces({BodySource::MemoryPiece{"memory "}, BodySource::MemoryPiece{""},
                           BodySource::FilePiece{file.fd(), 5, 8}}));
  });
  Raw raw(running);
  raw.send(get("/", "Connection: close\r\n"));
  const auto response = raw.rest();
  CHECK(has(response, "Transfer-Encoding: chunked\r\n"));
  CHECK(dechunked(body_of(response)) == "memory the file");
  Raw old(running);
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const auto closed = old.rest();
  CHECK_FALSE(has(closed, "Transfer-Encoding"));
  CHECK(body_of(closed) == "memory the file");
  Raw head(running);
  head.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + get("/", "Connection: close\r\n"));
  const auto both = head.rest();
  CHECK(body_of(both).starts_with("HTTP/1.1 200"));
  CHECK(soon([&] { return seen.completed == 3; }));
}

TEST_CASE("a source that breaks, or ends early, is seen as a short body") {
  Seen seen;
  std::atomic<int> count{0};
  Running running([&](const auto& request) -> Reply {
    ++count;
    if (request->path == "/broken")
      return send_of(seen, std::nullopt, pieces({BodySource::MemoryPiece{"half"}, BodySource::Broken{}}));
    if (request->path == "/short") return send_of(seen, 100, pieces({BodySource::MemoryPiece{"half"}}));
    if (request->path == "/long") return send_of(seen, 3, pieces({BodySource::MemoryPiece{"half"}}));
    return send_of(seen, std::nullopt, []() -> BodySource::Next { throw std::runtime_error("x"); });
  });
  for (const char* path : {"/broken", "/throws"}) {
    Raw raw(running);
    raw.send(get(path));
    CHECK_FALSE(has(raw.rest(), "\r\n0\r\n"));
  }
  Raw raw(running);
  raw.send(get("/short"));
  CHECK(body_of(raw.rest()) == "half");
  Raw longer(running);
  longer.send(get("/long"));
  CHECK(body_of(longer.rest()).empty());
  Raw old(running);
  old.send("GET /broken HTTP/1.0\r\n\r\n");
  (void)old.rest();
  CHECK(old.reset);
  CHECK(seen.completed == 0);
}

TEST_CASE("a source that has nothing yet goes on when its topic is woken") {
  Seen seen;
  const Id topic = Id::random();
  std::atomic<int> ready{0};
  Running running([&](const auto&) -> Reply {
    auto given = std::make_shared<int>(0);
    return send_of(seen, std::nullopt, [&, given]() -> BodySource::Next {
      if (*given == 3) return BodySource::End{};
      if (*given >= ready) return BodySource::Pending{topic};
      ++*given;
      return BodySource::MemoryPiece{std::to_string(*given)};
    });
  });
  Raw raw(running);
  raw.send(get("/", "Connection: close\r\n"));
  std::string all;
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(soon([&] { return running.server.counts().waiting == 1; }));
    ready = i;
    running.server.wake(topic);
    while (!has(all, std::to_string(i) + "\r\n1\r\n" + std::to_string(i)) &&
           !has(all, "1\r\n" + std::to_string(i) + "\r\n")) {
      const auto bytes = raw.some();
      REQUIRE_FALSE(bytes.empty());
      all += bytes;
    }
  }
  all += raw.rest();
  CHECK(dechunked(body_of(all)) == "123");
  CHECK(soon([&] { return seen.completed == 1; }));
}
