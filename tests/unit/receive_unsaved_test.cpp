// What is still in a space for its receiver, however many pages its state has.
#include "receive/remembered.h"

#include "scripted_server.h"
#include "wire/messages.h"

using namespace qrx;
using namespace qrx::test;
using namespace qrx::receive;

namespace {

wire::FileInfo file(const std::string& name, std::uint64_t size, bool sealed = false) {
  wire::FileInfo out;
  out.file = Id::random();
  out.name = name;
  out.size = size;
  out.type = "text/plain";
  out.sealed = sealed;
  return out;
}

void answer(Peer& peer, const wire::SpaceInfo& info) {
  const std::string body = wire::to_json(info, [](const Id& file) { return "/" + file.text(); });
  peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body);
}

}  // namespace

TEST_CASE("what is not saved is counted over all pages of a space, a delivery that goes on only once") {
  const wire::DeliveryInfo saved{Id::random(), {}, "", {file("old", 1000)}};
  wire::DeliveryInfo begun{Id::random(), {}, "", {file("a", 10), file("b", 20)}};
  const wire::DeliveryInfo rest{begun.delivery, {}, "", {file("c", 30)}};
  const wire::DeliveryInfo text{Id::random(), {}, "just words", {}};
  Finished finished;
  finished.deliveries.insert(saved.delivery);
  finished.files.insert(begun.files[0].file);
  wire::SpaceInfo first, second, third;
  first.guid = Id::random();
  second.guid = third.guid = first.guid;
  first.deliveries = {saved, begun};
  first.next = "1-2-3";
  second.deliveries = {rest};
  second.next = "4-5-6";
  third.deliveries = {text};
  std::vector<std::string> asked;
  ScriptedServer server({[&](Peer& peer) {
    for (const auto* page : {&first, &second, &third}) {
      const std::string head = peer.head();
      asked.push_back(head.substr(0, head.find(" HTTP")));
      answer(peer, *page);
    }
  }});
  const auto unsaved = find_unsaved({server.origin(), first.guid, Token::random()}, {}, finished, false);
  REQUIRE(unsaved);
  CHECK(unsaved->held == 3);
  CHECK(unsaved->deliveries == 2);
  CHECK(unsaved->files == 2);
  CHECK(unsaved->bytes == 50);
  REQUIRE(asked.size() == 3);
  CHECK(asked[1].ends_with("?from=1-2-3"));
  CHECK(asked[2].ends_with("?from=4-5-6"));
}
