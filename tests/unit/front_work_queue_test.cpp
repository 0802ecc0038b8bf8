// Long work: on its own threads, in turn, never more for one peer than its share, and ended with its client.
#include <atomic>

#include "front/work_queue.h"
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

WorkQueue queue_with(const WorkQueueLimits& limits) {
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
  WorkQueue queue = queue_with({1, 1, 8, 3});
  REQUIRE(queue.start());
  std::vector<WorkQueue::Ticket> tickets;
  for (int i = 0; i < 3; ++i) tickets.push_back(queue.submit(gate.work(), "192.0.2.1").value());
  CHECK(queue.submit(gate.work(), "192.0.2.1").error().kind == Kind::too_many);
  for (int i = 0; i < 3; ++i) tickets.push_back(queue.submit(gate.work(), "2001:db8::" + std::to_string(i)).value());
  CHECK(queue.submit(gate.work(), "2001:db8::ffff").error().kind == Kind::too_many);  // one /64 is one peer
  for (int i = 0; i < 2; ++i) tickets.push_back(queue.submit(gate.work(), "192.0.2." + std::to_string(i + 2)).value());
  CHECK(queue.submit(gate.work(), "192.0.2.9").error().kind == Kind::unavailable);  // in all
  tickets.clear();
  CHECK(soon([&] { return queue.count() == 0; }));
  CHECK(queue.submit(gate.work(), "192.0.2.1").has_value());
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
