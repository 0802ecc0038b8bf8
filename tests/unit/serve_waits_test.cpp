// Who waits for a change of a space learns its end, too; who waits for a sum gets the one that is being computed.
#include "unit/catch.h"

#include <algorithm>
#include <vector>

#include "unit/serve_site.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("the wait of an expired space ends with 410, of a deleted one with 404") {
  SiteWorld site;
  World& world = site.world;
  const auto space = world.create(expiring_in(Seconds(30)));
  const Guid& guid = space.space.guid;
  const auto request = std::make_shared<http::Request>();
  request->method = "GET";
  request->path = "/api/v1/spaces/" + guid.text();
  request->query = "after=" + std::to_string(world.view(space).seq) + "&wait=60";
  request->headers = {{"Authorization", bearer(space.token)}};
  front::Reply reply = site.router.handle(request);
  auto* const wait = std::get_if<front::Wait>(&reply);
  REQUIRE(wait != nullptr);
  CHECK(wait->topic == guid);
  CHECK(wait->until == world.clock.steady() + Seconds(30) + Millis(1));  // it ends with its space
  CHECK_FALSE(wait->poll(false));
  int status = 0;
  SECTION("expired") {
    world.clock.pass(Seconds(31));
    status = 410;
  }
  SECTION("deleted") {
    REQUIRE(world.spaces->remove(guid, space.token.text()));
    status = 404;
  }
  for (const bool time_over : {false, true}) {
    const auto ended = wait->poll(time_over);
    REQUIRE(ended);
    REQUIRE(std::holds_alternative<http::Answer>(*ended));
    CHECK(std::get<http::Answer>(*ended).status == status);
  }
  Asked again;
  again.path = request->path;
  again.headers = request->headers;
  CHECK(site.ask(again).status == status);
}

TEST_CASE("a sum that many ask for at once is computed once, and again when who computed it went away") {
  SiteWorld site;
  const auto space = site.world.create();
  REQUIRE(site.put(space.space.guid, "big", std::string(2U << 20, 'x')).status == 201);
  const Id file = site.world.view(space).deliveries.at(0).files.at(0).file;
  const auto request = std::make_shared<http::Request>();
  request->method = "HEAD";
  request->path = "/api/v1/spaces/" + space.space.guid.text() + "/files/" + file.text();
  request->headers = {{"Authorization", bearer(space.token)}, {"Want-Repr-Digest", "sha-256=1"}};
  std::vector<front::Work> works;
  std::vector<front::Wait> waits;
  for (int i = 0; i < 40; ++i) {
    front::Reply reply = site.router.handle(request);
    if (auto* work = std::get_if<front::Work>(&reply)) works.push_back(std::move(*work));
    if (auto* wait = std::get_if<front::Wait>(&reply)) waits.push_back(std::move(*wait));
  }
  REQUIRE(works.size() == 1);
  REQUIRE(waits.size() == 39);
  for (const auto& wait : waits) {
    CHECK(wait.topic == waits[0].topic);
    REQUIRE_FALSE(wait.poll(false));
  }

  SECTION("done") {
    const front::Reply led = works[0].run({});
    CHECK(std::count(site.woken.begin(), site.woken.end(), waits[0].topic) == 1);
    const auto digest_of = [](const front::Reply& reply) {
      for (const auto& header : std::get<front::Send>(reply).head.headers)
        if (header.name == "Repr-Digest") return header.value;
      return std::string();
    };
    CHECK(digest_of(led).starts_with("sha-256=:"));
    for (const auto& wait : waits) CHECK(digest_of(*wait.poll(false)) == digest_of(led));
    // From now on it is known.
    CHECK(std::holds_alternative<front::Send>(site.router.handle(request)));
  }
  SECTION("given up") {
    works.clear();  // as the work queue lets go of the work of a client that went away
    unsigned next = 0, waiting = 0;
    for (const auto& wait : waits) {
      const auto reply = wait.poll(false);
      REQUIRE(reply);
      next += std::holds_alternative<front::Work>(*reply) ? 1 : 0;
      waiting += std::holds_alternative<front::Wait>(*reply) ? 1 : 0;
    }
    CHECK(next > 0);
    CHECK(next + waiting == 39);
  }
}

TEST_CASE("a sender waits for the receipt of a delivery, and a stranger for none") {
  SiteWorld site;
  const auto space = site.world.create();
  const std::string drop = "/u/" + space.space.guid.text() + "/deliveries";
  const std::string own = "/api/v1/spaces/" + space.space.guid.text() + "/deliveries/";
  const auto ask = [&](const std::string& method, const std::string& path, const std::string& body = {},
                       const std::string& query = {}, bool owner = false) {
    Asked asked;
    asked.method = method;
    asked.path = path;
    asked.body = body;
    asked.query = query;
    if (owner) asked.headers = {{"Authorization", bearer(space.token)}};
    return site.ask(asked, false);
  };
  const auto made = wire::from_json<wire::DeliveryState>(ask("POST", drop, "{}").body);
  REQUIRE(made);
  const std::string one = drop + "/" + made->delivery.text();
  const std::string receipt = own + made->delivery.text() + "/receipt";
  REQUIRE(ask("PUT", one + "/files/a.txt", "hello").status == 202);
  CHECK(ask("GET", one, {}, "after=0&wait=60").waited);  // not committed
  REQUIRE(ask("POST", one + "/commit", "{}").status == 200);
  CHECK_FALSE(ask("GET", one, {}, "after=0&wait=60").waited);
  CHECK(ask("GET", one, {}, "after=1&wait=60").waited);
  CHECK(ask("GET", drop + "/" + Id::random().text(), {}, "after=1&wait=60").status == 404);
  CHECK(ask("GET", one, {}, "after=x").status == 400);

  CHECK(ask("POST", receipt, R"({"state":"saved"})").status == 401);
  CHECK(ask("POST", receipt, R"({"state":"none"})", {}, true).status == 400);
  CHECK(ask("POST", receipt, R"({"state":"saved","files":[]})", {}, true).status == 400);
  CHECK(ask("POST", own + Id::random().text() + "/receipt", R"({"state":"saved"})", {}, true).status == 404);
  CHECK(ask("POST", receipt, R"({"state":"saved"})", {}, true).status == 204);
  const Got got = ask("GET", one, {}, "after=1&wait=60");
  CHECK_FALSE(got.waited);
  const auto state = wire::delivery_status_from_json(got.body);
  REQUIRE(state);
  CHECK(state->seq == 2);
  CHECK(state->receipt == wire::ReceiptCounts{.saved = 1});
  CHECK(state->files.empty());
}
