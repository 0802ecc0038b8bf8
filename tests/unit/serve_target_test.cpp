#include <catch2/catch.hpp>

#include "serve/check_run.h"
#include "serve/rate_limit.h"
#include "serve/status_cache.h"
#include "serve/target.h"

using namespace qrx;
using namespace qrx::serve;

namespace {
const Id guid = Id::random();
const Id item = Id::random();
const std::string drop = "/u/" + guid.text();

Resource resource(const std::string& path, bool is_put = false) {
  const auto target = parse_target(path, "", is_put);
  REQUIRE(target);
  return target->resource;
}
}  // namespace

TEST_CASE("a path names one resource") {
  CHECK(resource("/") == Resource::home);
  CHECK(resource("/healthz") == Resource::health);
  CHECK(resource("/api/v1/spaces/") == Resource::spaces);
  CHECK(resource("/api/v1/spaces/" + guid.text()) == Resource::space);
  CHECK(resource("/api/v1/spaces/" + guid.text() + "/files/" + item.text()) == Resource::file);
  CHECK(resource(drop) == Resource::drop);
  CHECK(resource(drop + "/") == Resource::drop);
  CHECK(resource(drop + "/uploads/") == Resource::uploads);
  CHECK(resource(drop + "/uploads/" + item.text()) == Resource::upload);
  CHECK(resource(drop + "/deliveries") == Resource::deliveries);
  CHECK(resource(drop + "/deliveries/" + item.text()) == Resource::delivery);
  CHECK(resource(drop + "/deliveries/" + item.text() + "/commit") == Resource::commit);
  CHECK(resource(drop + "/deliveries/mistyped") == Resource::delivery);
  CHECK(resource(drop + "/deliveries/mistyped/junk") == Resource::drop_file);
  CHECK(resource("/api/v1/spaces/" + guid.text() + "/shares") == Resource::shares);
  CHECK(resource("/api/v1/spaces/" + guid.text() + "/shares/" + item.text()) == Resource::share);
  CHECK(resource("/d/secret") == Resource::link);
  CHECK(resource("/D/secret/") == Resource::link);
  CHECK(parse_target("/d/secret", "", false)->token == "secret");
  CHECK(resource("/d/secret/opened") == Resource::link_opened);
  CHECK(resource("/d/secret/all.zip") == Resource::link_all);
  CHECK(resource("/d/secret/files/" + item.text()) == Resource::link_file);
  CHECK(parse_target("/d/secret/files/" + item.text(), "", false)->item == item);
  for (const char* path : {"/u", "/u/", "/s/", "/x", "/api", "/api/v2/spaces", "/healthz/x", "/control", "/d", "/d/",
                           "/d/x/y", "/d/x/files", "/d/x/files/a/b", "/d/x/all.zip/x", "//", "/s/a/b"})
    CHECK_FALSE(parse_target(path, "", false));
}

TEST_CASE("to put is to send a file of that name, whatever else the name could mean") {
  const auto name_of = [](const std::string& path) { return parse_target(path, "", true)->name; };
  CHECK(name_of(drop + "/photo.jpg") == "photo.jpg");
  CHECK(name_of(drop + "/dir/%C3%A4%20b.txt") == "dir/\xC3\xA4 b.txt");
  CHECK(name_of(drop + "/uploads") == "uploads");
  CHECK(name_of(drop + "/uploads/x.txt") == "uploads/x.txt");
  CHECK(name_of(drop + "/deliveries/x/files/y") == "deliveries/x/files/y");
  CHECK(name_of(drop + "/..%2f..%2fetc/passwd") == "../../etc/passwd");  // refused by the rules, not here
  CHECK(name_of(drop + "//x") == "/x");
  CHECK(resource(drop + "/deliveries/" + item.text() + "/files/y", true) == Resource::delivery_file);
  CHECK_FALSE(parse_target(drop + "/%zz", "", true));
}

TEST_CASE("logs do not tell ids in full, nor names") {
  CHECK(loggable(*parse_target(drop + "/secret.txt", "", true)) == "/u/" + guid.text().substr(0, 6) + "\u2026/*");
  CHECK(loggable(*parse_target("/d/secret/opened", "", false)) == "/d/*/opened");
}

TEST_CASE("the parts of a concatenation are uploads of the same space") {
  const std::string path = drop + "/uploads/" + item.text();
  CHECK(upload_of(path, guid) == item);
  CHECK(upload_of("https://host:8443/prefix" + path + "/", guid) == item);
  CHECK_FALSE(upload_of(path, Id::random()));
  CHECK_FALSE(upload_of(item.text(), guid));
  CHECK_FALSE(upload_of(drop + "/files/" + item.text(), guid));
}

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
  CHECK(read_swept(swept_line({1, 2, 3}))->bytes == 3);
  CHECK_FALSE(read_swept("1 2 x"));
  CHECK_FALSE(read_swept("1 2 3 4"));
}
