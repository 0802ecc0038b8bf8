#include "unit/catch.h"

#include <filesystem>
#include <functional>
#include <future>
#include <stdexcept>
#include <utility>

#include "serve/check_run.h"
#include "serve/control_lines.h"
#include "serve/operations/sweeper.h"
#include "serve/rate_limit.h"
#include "serve/status_cache.h"
#include "unit/serve_site.h"

using namespace qrx;
using namespace qrx::serve;

TEST_CASE("an address may open so many spaces a minute") {
  RateLimit limit(3);
  Steady now{};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limit.take("192.0.2.1", now));
  const auto wait = limit.take("192.0.2.1", now);
  REQUIRE(wait);
  CHECK(*wait == Seconds(20));
  CHECK_FALSE(limit.take("192.0.2.2", now));
  CHECK_FALSE(limit.take("", now));
  now += *wait;
  CHECK_FALSE(limit.take("192.0.2.1", now));
  CHECK(limit.take("192.0.2.1", now));
}

TEST_CASE("an IPv6 subscriber is one address, and no limit is no limit") {
  RateLimit limit(1);
  CHECK_FALSE(limit.take("2001:db8:1:2::1", {}));
  CHECK(limit.take("2001:db8:1:2:ffff::2", {}));
  CHECK_FALSE(limit.take("2001:db8:1:3::1", {}));
  RateLimit none(0);
  for (int i = 0; i < 1000; ++i) CHECK_FALSE(none.take("192.0.2.1", {}));
}

TEST_CASE("the cache of states gives what belongs to the seq, and stays small") {
  const Id guid = Id::random();
  const Id item = Id::random();
  StatusCache cache;
  const auto text = [](std::size_t size) { return std::make_shared<const std::string>(size, 'x'); };
  cache.keep(guid, 7, text(10));
  CHECK(cache.find(guid, 7));
  CHECK_FALSE(cache.find(guid, 8));
  CHECK_FALSE(cache.find(item, 7));
  cache.keep(guid, 6, text(10));  // a slow one comes late
  CHECK(cache.find(guid, 7));
  cache.keep(guid, 8, text(2U << 20));
  CHECK_FALSE(cache.find(guid, 8));
  for (int i = 0; i < 100; ++i) cache.keep(Id::random(), 1, text(200U << 10));
  CHECK_FALSE(cache.find(guid, 7));
}

TEST_CASE("what sweep and check say crosses the control socket") {
  const space::Spaces::Checked checked{1, 2, 3, 4, 5};
  const auto result = read_result(result_line(checked).substr(0, result_line(checked).size() - 1));
  REQUIRE(result);
  REQUIRE(*result);
  CHECK((*result)->orphans == 5);
  CHECK(read_finding(finding_line("a\nb")) == "a b\n");
  CHECK_FALSE(read_result(*read_finding("! = 1 2 3 4 5") == "= 1 2 3 4 5" ? "!" : ""));
  CHECK_FALSE(*read_result("? it broke"));
  CHECK_FALSE(read_result("= 1 2 3"));
  CHECK(read_swept(swept_lines({1, 2, 3}))->bytes == 3);
  CHECK(read_swept(swept_lines({1, 2, 3, {"blob a: I/O error", "b"}}))->failures ==
        std::vector<std::string>{"blob a: I/O error", "b"});
  CHECK_FALSE(read_swept("1 2 x"));
  CHECK_FALSE(read_swept("1 2 3 4"));
}

TEST_CASE("a check that throws ends as one that failed, with its reason in the log") {
  test::SiteWorld world;
  bool thrown = false;
  const std::function<void(const Id&)> wake = [&thrown](const Id&) {
    if (!std::exchange(thrown, true)) throw std::runtime_error("no memory");
  };
  const Guid guid = world.world.create().space.guid;
  REQUIRE(world.put(guid, "a.txt", "abc").status == 201);
  std::filesystem::remove_all(world.world.directory.path() / "blobs");  // so that there is something to tell
  CheckRun check(*world.world.spaces, world.log, wake);
  const auto lines = check.start();
  REQUIRE(lines != nullptr);
  check.await();
  std::string last;
  while (const auto line = lines->take()) last = *line;
  CHECK(last == "? no memory\n");
  CHECK(lines->ended());
  REQUIRE_FALSE(world.lines.empty());
  CHECK(world.lines.back() == "qrx-serve: a check failed reason=\"no memory\"\n");
}

TEST_CASE("a sweep that throws is told, and the sweeper goes on") {
  test::SiteWorld world;
  wire::CreateSpace wish;
  wish.expire = Seconds(60);
  world.world.create(wish);
  world.world.clock.pass(Seconds(3600));
  std::promise<std::string> told;
  bool thrown = false;
  const Log log(LogForm::text, 0, [&](const std::string& line) {
    if (!std::exchange(thrown, true)) throw std::runtime_error("no memory");
    told.set_value(line);
  });
  Site site(*world.world.spaces, world.shares, world.world.clock, log, {}, [](const Id&) {});
  const Sweeper sweeper(site);
  auto line = told.get_future();
  REQUIRE(line.wait_for(std::chrono::seconds(10)) == std::future_status::ready);
  CHECK(line.get() == "qrx-serve: sweep failed reason=\"no memory\"\n");
}
