// Bodies of requests into sinks, over real sockets.
#include "front_bodies.h"

using namespace front_test;

TEST_CASE("a body with a length goes into the sink, and the next request follows it") {
  Seen seen;
  Running running(receive_into(seen));
  Raw raw(running);
  raw.send(put("Content-Length: 5\r\n", "hello") + get("/") + put("Content-Length: 1\r\n", "!") + get("/"));
  CHECK(body_of(raw.response()) == "5");
  CHECK(body_of(raw.response()) == "get");
  CHECK(body_of(raw.response()) == "6");
  CHECK(body_of(raw.response()) == "get");
  CHECK(seen.body == "hello!");
  CHECK(seen.finished == 2);
  CHECK(seen.abandoned == 0);
}

TEST_CASE("an empty body is finished at once") {
  Seen seen;
  Running running(receive_into(seen));
  Raw raw(running);
  raw.send(put("Content-Length: 0\r\n") + put("") + put("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"));
  for (int i = 0; i < 3; ++i) CHECK(body_of(raw.response()) == "0");
}

TEST_CASE("a large body arrives whole, with a length and in chunks, in any pieces") {
  const auto body = pattern(3'000'000);
  Seen seen;
  Running running(receive_into(seen));
  Raw raw(running);
  raw.send(put("Content-Length: " + std::to_string(body.size()) + "\r\n", body));
  CHECK(body_of(raw.response()) == std::to_string(body.size()));
  CHECK(seen.body == body);
  seen.body.clear();
  std::string coded;
  std::size_t size = 1;
  for (std::size_t at = 0; at < body.size(); at += size, size = size * 3 % 70'001 + 1) {
    char head[32];
    std::snprintf(head, sizeof head, "%zx\r\n", std::min(size, body.size() - at));
    coded += head + body.substr(at, size) + "\r\n";
  }
  raw.send(put("Transfer-Encoding: chunked\r\n", coded + "0\r\n\r\n") + get("/"));
  CHECK(status_of(raw.response()) == 200);
  CHECK(body_of(raw.response()) == "get");
  CHECK(seen.body == body);
}

TEST_CASE("100 Continue is said before the body is read, and only to clients that ask for it") {
  Seen seen;
  Running running(receive_into(seen));
  Raw raw(running);
  raw.send(put("Content-Length: 5\r\nExpect: 100-continue\r\n"));
  CHECK(raw.response() == "HTTP/1.1 100 Continue\r\n\r\n");
  raw.send("hello");
  CHECK(body_of(raw.response()) == "5");
  raw.send(put("Content-Length: 5\r\nExpect: 100-continue\r\n", "again"));
  CHECK(status_of(raw.response()) == 200);
}

TEST_CASE("broken chunks are refused, and the sink is abandoned") {
  Seen seen;
  Running running(receive_into(seen));
  Raw raw(running);
  raw.send(put("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0x5\r\n"));
  const auto answer = raw.response();
  CHECK(status_of(answer) == 400);
  CHECK(has(answer, "Connection: close"));
  CHECK(raw.is_closed());
  CHECK(seen.abandoned == 1);
  CHECK(seen.finished == 0);
}

TEST_CASE("a client that goes away or stalls in the body is abandoned") {
  Seen seen;
  Running running(receive_into(seen), with([](auto& options) { options.stall_time = Millis(60); }));
  {
    Raw raw(running);
    raw.send(put("Content-Length: 5\r\n", "hel"));
    REQUIRE(soon([&] { return seen.bytes == 3; }));
  }
  CHECK(soon([&] { return seen.abandoned == 1; }));
  Raw stalled(running);
  stalled.send(put("Content-Length: 5\r\n", "hel"));
  CHECK(soon([&] { return seen.abandoned == 2; }));
  CHECK(stalled.is_closed());
  CHECK(seen.finished == 0);
}

TEST_CASE("a sink that fails gives the answer, which the client sees though it is still sending") {
  Seen seen;
  Running running(receive_into(seen, 1000));
  Raw raw(running);
  std::thread sender([&] { raw.send(put("Content-Length: 8000000\r\n", std::string(8'000'000, 'x'))); });
  const auto answer = raw.response();
  sender.join();
  CHECK(status_of(answer) == 413);
  CHECK(body_of(answer) == "own answer");
  CHECK(has(answer, "Connection: close"));
  CHECK(seen.abandoned == 1);
}

TEST_CASE("an answer before the body closes the connection, after the client could see it") {
  Running running([](const auto&) -> Reply { return text_answer("no", 403); });
  Raw raw(running);
  std::thread sender([&] { raw.send(put("Content-Length: 8000000\r\n", std::string(8'000'000, 'x'))); });
  const auto answer = raw.response();
  sender.join();
  CHECK(status_of(answer) == 403);
  CHECK(has(answer, "Connection: close"));
  Raw small(running);
  small.send(put("Content-Length: 5\r\n", "hello") + get("/"));
  CHECK_FALSE(has(small.response(), "Connection: close"));  // the whole body had come already
  CHECK(status_of(small.response()) == 403);
}

TEST_CASE("a sink that has enough is left alone until its topic is woken") {
  class Slow final : public BodySink {
   public:
    Slow(const Id& topic, std::atomic<std::size_t>& room, std::atomic<std::size_t>& taken)
        : topic_(topic), room_(room), taken_(taken) {}
    std::size_t most_at_once() const override { return 1000; }
    Result<void> write(ByteView bytes) override {
      taken_ += bytes.size();
      return taken_ <= room_ + 1000 ? Result<void>() : fail(Kind::other, "it was full");
    }
    void abandon() override {}
    std::optional<Id> full() override { return taken_ >= room_ ? std::optional(topic_) : std::nullopt; }
    Reply finish() override { return text_answer(std::to_string(taken_)); }

   private:
    const Id topic_;
    std::atomic<std::size_t>& room_;
    std::atomic<std::size_t>& taken_;
  };
  const Id topic = Id::random();
  std::atomic<std::size_t> room{2000}, taken{0};
  std::atomic<bool> begun{false};
  Running running([&](const auto& request) -> Reply {
    if (request->method == "GET") return text_answer("get");
    begun = true;
    return Receive{std::make_unique<Slow>(topic, room, taken)};
  });
  Raw raw(running);
  // What comes together with the head is taken as it came.
  raw.send(put("Content-Length: 6000\r\n", ""));
  REQUIRE(soon([&] { return begun.load(); }));
  raw.send(pattern(6000) + get("/"));
  REQUIRE(soon([&] { return running.server.counts().waiting == 1; }));
  CHECK(taken >= 2000);
  room = 100'000;
  running.server.wake(topic);
  CHECK(body_of(raw.response()) == "6000");
  CHECK(body_of(raw.response()) == "get");
  CHECK(running.server.counts().waiting == 0);
}
