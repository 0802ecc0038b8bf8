// Who waits for a change of a space learns its end, too.
#include "unit/catch.h"

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
