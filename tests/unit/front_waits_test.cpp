// Answers that wait, handlers that block, and the end of a server while something goes on.
#include "front_bodies.h"

using namespace front_test;

TEST_CASE("a wait ends when it is woken or its time is over, and holds no thread") {
  const Id topic = Id::random();
  std::atomic<int> state{0};
  std::atomic<bool> short_time{false};
  Running running([&](const auto& request) -> Reply {
    if (request->path == "/now") return text_answer("now");
    return Wait{topic, std::chrono::steady_clock::now() + (short_time ? 30ms : 60'000ms),
                [&](bool over) -> std::optional<Reply> {
                  if (state == 0 && !over) return std::nullopt;
                  return text_answer(over ? "over" : "woken");
                }};
  });
  std::vector<std::unique_ptr<Raw>> raws;
  for (int i = 0; i < 200; ++i) {
    raws.push_back(std::make_unique<Raw>(running));
    raws.back()->send(get("/wait"));
  }
  REQUIRE(soon([&] { return running.server.counts().waiting == 200; }));
  CHECK(running.server.counts().threads <= 8);
  Raw now(running);
  now.send(get("/now"));
  CHECK(body_of(now.response()) == "now");
  raws.pop_back();  // one goes away
  CHECK(soon([&] { return running.server.counts().waiting == 199; }));
  running.server.wake(Id::random());
  running.server.wake(topic);  // nothing has changed: they go on waiting
  state = 1;
  running.server.wake(topic);
  for (auto& raw : raws) REQUIRE(body_of(raw->response()) == "woken");
  state = 0;
  short_time = true;
  raws.front()->send(get("/wait"));
  CHECK(body_of(raws.front()->response()) == "over");
}

TEST_CASE("a stopping server answers the waiting and lets running bodies finish") {
  Seen seen;
  const Id topic = Id::random();
  Running running([&](const auto& request) -> Reply {
    if (request->method == "PUT") return Receive{std::make_unique<Sink>(seen)};
    return Wait{topic, std::chrono::steady_clock::now() + 60s, [](bool over) -> std::optional<Reply> {
                  return over ? std::optional<Reply>(text_answer("over")) : std::nullopt;
                }};
  });
  Raw waiting(running), sending(running);
  waiting.send(get("/"));
  sending.send(put("Content-Length: 5\r\n", "hel"));
  REQUIRE(soon([&] { return running.server.counts().waiting == 1 && seen.bytes == 3; }));
  running.server.stop();
  const auto answer = waiting.rest();
  CHECK(body_of(answer) == "over");
  CHECK(has(answer, "Connection: close"));
  sending.send("lo");
  CHECK(body_of(sending.rest()) == "5");
  running.stop();
  CHECK(seen.finished == 1);
}

TEST_CASE("a body that does not end in the time of the stop is abandoned") {
  Seen seen;
  Running running(receive_into(seen), with([](auto& options) { options.stop_time = Millis(50); }));
  Raw raw(running);
  raw.send(put("Content-Length: 5\r\n", "hel"));
  REQUIRE(soon([&] { return seen.bytes == 3; }));
  running.stop();
  CHECK(running.ran);
  CHECK(seen.abandoned == 1);
  CHECK(seen.destroyed == 1);
}

TEST_CASE("handlers that block do not keep others from being served") {
  std::mutex mutex;
  std::unique_lock held(mutex);
  Running running([&](const auto& request) -> Reply {
    if (request->path == "/block") const std::lock_guard lock(mutex);
    return text_answer("done");
  });
  std::vector<std::unique_ptr<Raw>> raws;
  for (int i = 0; i < 6; ++i) {
    raws.push_back(std::make_unique<Raw>(running));
    raws.back()->send(get("/block"));
  }
  Raw free(running);
  free.send(get("/"));
  CHECK(body_of(free.response()) == "done");
  CHECK(running.server.counts().threads > 2);
  held.unlock();
  for (auto& raw : raws) CHECK(body_of(raw->response()) == "done");
}
