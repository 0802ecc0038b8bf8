// How many connections and transfers one peer may have.
#include "front/peer_limits.h"
#include "running_front.h"

using namespace front_test;

TEST_CASE("a peer has its share of connections and of transfers, and others have theirs") {
  using What = PeerLimits::What;
  PeerLimits shares;
  shares.set_limits(400, 0);
  std::vector<PeerLimits::Hold> held;
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
  // Its share is given back a moment after its answer.
  CHECK(soon([&] {
    Raw again(running);
    again.send(head + "abc");
    return body_of(again.response()) == "taken";
  }));
}
