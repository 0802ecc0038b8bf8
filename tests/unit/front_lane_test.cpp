// Long work: on its own threads, in turn, never more for one peer than its share, and ended with its client.
#include <atomic>
#include <future>

#include "front/lane.h"
#include "front/peer_shares.h"
#include "running_front.h"

using namespace front_test;

namespace {

// Work that runs until it is let go, or asked to stop.
struct Gate {
  std::atomic<int> running{0}, stopped{0};
  std::atomic<bool> open{false};

  Work work(std::string text = "done") {
    return {[this, text = std::move(text)](const std::stop_token& stop) -> Reply {
      ++running;
      while (!open && !stop.stop_requested()) std::this_thread::sleep_for(1ms);
      if (stop.stop_requested()) ++stopped;
      --running;
      return text_answer(text);
    }};
  }
};

Lane lane_with(const LaneLimits& limits) {
  return {limits, [](const auto& run) { return run(); }, [](const Id&) {}};
}

}  // namespace

TEST_CASE("long work leaves the pool to others, and its reply arrives") {
  Gate gate;
  Running running([&](const std::shared_ptr<const Request>& request) -> Reply {
    if (request->path == "/long") return gate.work("long");
    return text_answer("short");
  });
  std::vector<std::unique_ptr<Raw>> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.push_back(std::make_unique<Raw>(running));
    waiting.back()->send(get("/long"));
  }
  REQUIRE(soon([&] { return gate.running == 2; }));  // of one peer no more run at once
  Raw other(running);
  other.send(get("/"));
  CHECK(body_of(other.response()) == "short");
  gate.open = true;
  for (auto& raw : waiting) CHECK(body_of(raw->response()) == "long");
}

TEST_CASE("work is asked to stop when its client goes, and queued work never begins") {
  Gate gate;
  Running running([&](const std::shared_ptr<const Request>&) -> Reply { return gate.work(); });
  std::vector<std::unique_ptr<Raw>> waiting;
  for (int i = 0; i < 5; ++i) {
    waiting.push_back(std::make_unique<Raw>(running));
    waiting.back()->send(get("/"));
  }
  REQUIRE(soon([&] { return gate.running == 2; }));
  waiting.clear();
  CHECK(soon([&] { return gate.running == 0; }));
  CHECK(soon([&] { return running.server.counts().connections == 0; }));
  CHECK(gate.stopped >= 2);
  CHECK(gate.running == 0);
}

TEST_CASE("over its share a peer is refused, and others are not") {
  Gate gate;
  Lane lane = lane_with({1, 1, 8, 3});
  REQUIRE(lane.start());
  std::vector<Lane::Ticket> tickets;
  for (int i = 0; i < 3; ++i) tickets.push_back(lane.submit(gate.work(), "192.0.2.1").value());
  CHECK(lane.submit(gate.work(), "192.0.2.1").error().kind == Kind::too_many);
  for (int i = 0; i < 3; ++i) tickets.push_back(lane.submit(gate.work(), "2001:db8::" + std::to_string(i)).value());
  CHECK(lane.submit(gate.work(), "2001:db8::ffff").error().kind == Kind::too_many);  // one /64 is one peer
  for (int i = 0; i < 2; ++i) tickets.push_back(lane.submit(gate.work(), "192.0.2." + std::to_string(i + 2)).value());
  CHECK(lane.submit(gate.work(), "192.0.2.9").error().kind == Kind::unavailable);  // in all
  tickets.clear();
  CHECK(soon([&] { return lane.count() == 0; }));
  CHECK(lane.submit(gate.work(), "192.0.2.1").has_value());
}

TEST_CASE("the end of a server stops its long work and does not wait for it") {
  Gate gate;
  Running running([&](const std::shared_ptr<const Request>&) -> Reply { return gate.work(); });
  Raw raw(running);
  raw.send(get("/"));
  REQUIRE(soon([&] { return gate.running == 1; }));
  running.stop();
  CHECK(status_of(raw.response()) == 503);
  CHECK(soon([&] { return gate.stopped == 1; }));
}

TEST_CASE("a peer has its share of connections and of transfers, and others have theirs") {
  using What = PeerShares::What;
  PeerShares shares;
  shares.set_limits(400, 0);
  std::vector<PeerShares::Hold> held;
  const auto take = [&](const std::string& peer, What what) {
    auto hold = shares.take(peer, what);
    const bool got = static_cast<bool>(hold);
    if (got) held.push_back(std::move(hold));
    return got;
  };
  const auto most = [&](const std::string& peer, What what) {
    int count = 0;
    while (take(peer, what)) ++count;
    return count;
  };
  CHECK(most("192.0.2.1", What::connection) == 100);
  CHECK(most("192.0.2.1", What::transfer) == 33);
  CHECK(take("192.0.2.2", What::connection));
  CHECK(most("2001:db8::1", What::transfer) == 33);
  CHECK_FALSE(take("2001:db8::2", What::transfer));  // the same /64
  CHECK(take("2001:db8:0:1::1", What::transfer));
  held.clear();
  CHECK(most("127.0.0.1", What::connection) == 300);
  CHECK(most("", What::connection) == 100);  // Unix sockets: what is left
  CHECK(shares.is_full());
  CHECK_FALSE(take("192.0.2.3", What::connection));
  held.clear();
  CHECK_FALSE(shares.is_full());
  shares.set_limits(400, 7);
  CHECK(most("127.0.0.1", What::connection) == 7);
}

TEST_CASE("a peer over its share of transfers is refused before its body is taken, others go on") {
  auto options = quick_options();
  options.most_of_one = 6;
  struct Sink : BodySink {
    Result<void> write(ByteView) override { return {}; }
    Reply finish() override { return text_answer("taken"); }
    void abandon() override {}
  };
  Running running([](const std::shared_ptr<const Request>&) -> Reply { return Receive{std::make_unique<Sink>()}; },
                  options);
  const std::string head = "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
  Raw first(running), second(running), third(running);
  first.send(head);
  second.send(head);
  REQUIRE(soon([&] { return running.server.counts().requests == 2; }));
  third.send(head);
  CHECK(status_of(third.response()) == 503);
  first.send("abc");
  CHECK(body_of(first.response()) == "taken");
  Raw again(running);
  again.send(head + "abc");
  CHECK(body_of(again.response()) == "taken");
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
