// Bodies whose length nobody announced: taken up to the limit of their route, and no further.
#include "unit/catch.h"

#include "serve/bodies.h"
#include "serve/long_work.h"
#include "serve/routes/request_log.h"
#include "unit/serve_site.h"
#include "wire/limits.h"
#include "wire/messages.h"

using namespace qrx;
using namespace qrx::test;

namespace {

Asked asked_for(const char* method, const std::string& path, const std::string& body) {
  Asked asked;
  asked.method = method;
  asked.path = path;
  asked.body = body;
  return asked;
}

// All that the sink of a message or of a small file takes, before it says no.
void check_limit(SiteWorld& world, Asked asked, std::size_t most, int taken) {
  INFO(asked.method << ' ' << asked.path);
  asked.has_body = asked.chunked = true;
  const std::string fitting = asked.body;
  REQUIRE(fitting.size() < most);
  asked.body.resize(most + 1, ' ');
  const Got over = world.ask(asked);
  CHECK(over.status == 413);
  CHECK(over.body_read == most + 1);
  asked.body.resize(1U << 20, ' ');
  const Got far_over = world.ask(asked);
  CHECK(far_over.status == 413);
  CHECK(far_over.took_body);
  CHECK(far_over.body_read > most);
  CHECK(far_over.body_read <= most + chunk_bytes);
  asked.chunked = false;  // announced: not a byte is read
  const Got announced = world.ask(asked);
  CHECK(announced.status == 413);
  CHECK_FALSE(announced.took_body);
  asked.chunked = true;
  asked.body = fitting;
  asked.body.resize(most, ' ');
  const Got exact = world.ask(asked);
  CHECK(exact.status == taken);
  CHECK(exact.body_read == most);
}

// Takes little at once, and has enough.
class SatedSink final : public front::BodySink {
 public:
  explicit SatedSink(const Id& topic) : topic_(topic) {}
  std::size_t most_at_once() const override { return 7; }
  Result<void> write(ByteView) override { return {}; }
  std::optional<Id> full() override { return topic_; }
  front::Reply finish() override { return http::Answer(); }
  void abandon() override {}

 private:
  const Id topic_;
};

}  // namespace

TEST_CASE("the body of a request that is logged comes at the pace of its sink") {
  SiteWorld world;
  const auto call = std::make_shared<serve::Call>(serve::Call{world.site, std::make_shared<http::Request>(), {}, {}});
  const Id topic = Id::random();
  const front::Reply reply = serve::logged(front::Receive{std::make_unique<SatedSink>(topic)}, call);
  front::BodySink& sink = *std::get<front::Receive>(reply).sink;
  CHECK(sink.most_at_once() == 7);
  CHECK(sink.full() == topic);
}

TEST_CASE("what was read from a body counts until the work that it asks for has gone") {
  SiteWorld world;
  const std::size_t most = serve::BodyMemory::most_of_one;
  const auto request = std::make_shared<http::Request>();
  request->peer = "192.0.2.1";
  request->has_body = true;
  const auto call = std::make_shared<serve::Call>(serve::Call{world.site, request, {}, {}});
  auto reply = serve::collect(call, most, [](const std::string&) -> front::Reply {
    return front::Work{[](const std::stop_token&) -> front::Reply { return http::Answer(); }};
  });
  auto sink = std::move(std::get<front::Receive>(reply).sink);
  REQUIRE(sink->write(as_bytes(std::string(most, 'x'))));
  reply = sink->finish();
  sink.reset();
  serve::BodyMemory::Hold other(world.site.body_memory, request->peer);
  CHECK_FALSE(other.keep(most));
  REQUIRE(std::holds_alternative<front::Work>(reply));
  reply = http::Answer();
  CHECK(other.keep(most));
}

TEST_CASE("a space of many files is removed in the work queue, but not for a wrong token") {
  SiteWorld world;
  const auto space = world.world.create();
  const Guid& guid = space.space.guid;
  const auto delivery = world.world.spaces->open_delivery(guid, {});
  REQUIRE(delivery);
  const std::uint64_t count = serve::many_files + 1;
  for (std::uint64_t i = 0; i < count; ++i)
    REQUIRE(world.world.spaces->put_small(guid, delivery->delivery, std::to_string(i), {}, {}));
  REQUIRE(world.world.spaces->commit(guid, delivery->delivery, {.files = count}));
  Asked asked = asked_for("DELETE", "/api/v1/spaces/" + guid.text(), "");
  asked.headers.push_back({"Authorization", bearer(Token::random())});
  const Got wrong = world.ask(asked);
  CHECK(wrong.status == 404);
  CHECK_FALSE(wrong.worked);
  asked.headers = {{"Authorization", bearer(space.token)}};
  const Got right = world.ask(asked);
  CHECK(right.status == 204);
  CHECK(right.worked);
}

TEST_CASE("a message of unknown length is read up to its limit") {
  SiteWorld world;
  const auto space = world.world.create();
  Asked change = asked_for("PATCH", "/api/v1/spaces/" + space.space.guid.text(), R"({"state":"closed"})");
  change.headers.push_back({"Authorization", bearer(space.token)});
  const auto before = world.world.catalog->totals()->spaces;
  check_limit(world, asked_for("POST", "/api/v1/spaces", "{}"), wire::most_request_bytes, 201);
  CHECK(world.world.catalog->totals()->spaces == before + 1);  // what was refused made none
  check_limit(world, change, wire::most_request_bytes, 200);
  CHECK(world.world.view(space).state == wire::SpaceState::closed);
}

TEST_CASE("a small file of unknown length is read up to its limit") {
  SiteWorld world;
  const auto space = world.world.create();
  const Guid& guid = space.space.guid;
  const auto delivery = world.world.spaces->open_delivery(guid, {});
  REQUIRE(delivery);
  const std::string at = "/u/" + guid.text() + "/deliveries/" + delivery->delivery.text();
  check_limit(world, asked_for("PUT", at + "/files/x", "x"), wire::most_small_bytes, 202);
  REQUIRE(world.world.spaces->commit(guid, delivery->delivery, {.files = 1}));
  CHECK(world.world.view(space).deliveries.at(0).files.at(0).size == wire::most_small_bytes);
}

TEST_CASE("a file of unknown length ends where the space is full, and leaves nothing") {
  SiteWorld world;
  const auto space = world.world.create(with_limits(10'000, 5));
  Asked asked = asked_for("PUT", "/u/" + space.space.guid.text() + "/piped", std::string(1U << 20, 'x'));
  asked.chunked = asked.has_body = true;
  const Got over = world.ask(asked);
  CHECK(over.status == 413);
  CHECK(over.body_read <= 10'000 + chunk_bytes);
  CHECK(world.world.view(space).deliveries.empty());
  CHECK(world.world.view(space).uploads.empty());
  CHECK(world.world.files_in("staging") == 0);
  asked.body.resize(10'000);
  CHECK(world.ask(asked).status == 201);
  CHECK(world.world.read(space, world.world.view(space).deliveries.at(0).files.at(0).file) == asked.body);
}
