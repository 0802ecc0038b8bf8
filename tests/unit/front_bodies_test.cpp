// Bodies into sinks and out of sources, and answers that wait, over real sockets.
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <mutex>
#include <numeric>

#include "running_front.h"

using namespace front_test;

namespace {

struct Seen {
  std::mutex mutex;
  std::string body;
  std::atomic<std::size_t> bytes{0};
  std::atomic<int> finished{0}, abandoned{0}, destroyed{0}, completed{0};
};

class Sink final : public BodySink {
 public:
  Sink(Seen& seen, std::size_t most = SIZE_MAX) : seen_(seen), most_(most) {}
  ~Sink() override { ++seen_.destroyed; }
  Result<void> write(ByteView bytes) override {
    if (seen_.bytes + bytes.size() > most_) return fail(Kind::too_large, "too much");
    seen_.bytes += bytes.size();
    const std::lock_guard lock(seen_.mutex);
    seen_.body += as_text(bytes);
    return {};
  }
  Reply finish() override {
    ++seen_.finished;
    return text_answer(std::to_string(seen_.bytes));
  }
  std::optional<Answer> on_error(const Error& error) override {
    if (error.kind != Kind::too_large) return std::nullopt;
    return text_answer("own answer", 413);
  }
  void abandon() override { ++seen_.abandoned; }

 private:
  Seen& seen_;
  const std::size_t most_;
};

class Source final : public BodySource {
 public:
  Source(Seen& seen, std::function<Next()> next) : seen_(seen), next_(std::move(next)) {}
  ~Source() override { ++seen_.destroyed; }
  Next next() override { return next_(); }
  bool wants_receipt() const override { return true; }
  void completed() override { ++seen_.completed; }

 private:
  Seen& seen_;
  const std::function<Next()> next_;
};

// Gives the pieces one after the other, then the end.
std::function<BodySource::Next()> pieces(std::vector<BodySource::Next> list) {
  auto rest = std::make_shared<std::vector<BodySource::Next>>(std::move(list));
  return [rest]() -> BodySource::Next {
    if (rest->empty()) return BodySource::End{};
    auto next = std::move(rest->front());
    rest->erase(rest->begin());
    return next;
  };
}

Send send_of(Seen& seen, std::optional<std::uint64_t> length, std::function<BodySource::Next()> next) {
  Send send;
  send.head.type = "application/octet-stream";
  send.length = length;
  send.source = std::make_unique<Source>(seen, std::move(next));
  return send;
}

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 2654435761U) >> 24);
  return text;
}

class TempFile {
 public:
  explicit TempFile(std::string_view bytes) : file_(std::tmpfile()) {
    REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file_) == bytes.size());
    std::fflush(file_);
  }
  ~TempFile() { std::fclose(file_); }
  int fd() const { return ::fileno(file_); }

 private:
  std::FILE* file_;
};

Handler receive_into(Seen& seen, std::size_t most = SIZE_MAX) {
  return [&seen, most](const auto& request) -> Reply {
    if (request->method == "GET") return text_answer("get");
    return Receive{std::make_unique<Sink>(seen, most)};
  };
}

std::string put(const std::string& headers, const std::string& body = {}) {
  return "PUT /x HTTP/1.1\r\nHost: qrx\r\n" + headers + "\r\n" + body;
}

ServerOptions with(const std::function<void(ServerOptions&)>& change) {
  auto options = quick_options();
  change(options);
  return options;
}

}  // namespace

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

TEST_CASE("100 Continue is said before the body is read, and only to who asks") {
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

TEST_CASE("a source that has nothing yet goes on when its topic is notified") {
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

TEST_CASE("a sink that has enough is left alone until its topic is notified") {
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

TEST_CASE("waits are answered by a notice, by time, and are not held by threads") {
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
