#include "unit/catch.h"

#include "wire/resource.h"

using namespace qrx;
using namespace qrx::wire;

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
  CHECK(resource("/api/v1/spaces/" + guid.text() + "/uploads/" + item.text()) == Resource::open_upload);
  CHECK(resource("/api/v1/spaces/" + guid.text() + "/deliveries/" + item.text()) == Resource::open_delivery);
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

TEST_CASE("a # that became %23 on its way is one again") {
  const std::string key = "AGE1" + std::string(58, 'Q');
  CHECK(with_its_fragment("/U/" + guid.text() + "%23" + key, "") == drop + "#" + key);
  CHECK(with_its_fragment(drop + "/%23" + key, "") == drop + "#" + key);
  CHECK(with_its_fragment("/d/secret%23AGE-SECRET-KEY-1Q", "") == "/d/secret#AGE-SECRET-KEY-1Q");
  CHECK(with_its_fragment("/s/" + guid.text() + "%23token.AGE-SECRET-KEY-1Q", "") ==
        "/s/" + guid.text() + "#token.AGE-SECRET-KEY-1Q");
  CHECK(with_its_fragment("/files/d/secret%23K", "/files") == "/files/d/secret#K");
  CHECK(with_its_fragment("/d/secret%23K", "/files") == "/files/d/secret#K");
  for (const std::string& path : {drop, drop + "/name%23.txt", std::string("/u/mistyped%23K"), std::string("/d/%23K"),
                                  std::string("/x/secret%23K"), std::string("/d/secret%23K%0d%0aX: y"),
                                  std::string("/d/..//elsewhere%23K"), std::string("/%23"), std::string("%23")})
    CHECK(with_its_fragment(path, "") == std::nullopt);
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

TEST_CASE("an address that is written is read as the same") {
  const auto same = [](const Target& target, bool is_put = false) {
    const auto read = parse_target(path_of(target), "", is_put);
    REQUIRE(read);
    CHECK(read->resource == target.resource);
    CHECK(read->guid == target.guid);
    CHECK(read->item == target.item);
    CHECK(read->name == target.name);
    CHECK(read->token == target.token);
  };
  for (const Resource one : {Resource::home, Resource::scan_page, Resource::health, Resource::ready, Resource::spaces,
                             Resource::control_sweep, Resource::control_check})
    same({one});
  for (const Resource one : {Resource::space, Resource::shares, Resource::owner_page, Resource::drop, Resource::uploads,
                             Resource::deliveries})
    same({one, guid});
  for (const Resource one :
       {Resource::file, Resource::share, Resource::upload, Resource::delivery, Resource::commit, Resource::receipt})
    same({one, guid, item});
  for (const Resource one : {Resource::link, Resource::link_opened, Resource::link_all})
    same({.resource = one, .token = "secret"});
  same({.resource = Resource::link_file, .item = item, .token = "secret"});
  same({.resource = Resource::asset, .name = "receive.js"});
  for (const char* name : {"photo.jpg", "a/b c/%41#?&.txt", "\xC3\xA4/..", "uploads"}) {
    same({.resource = Resource::drop_file, .guid = guid, .name = name}, true);
    same({.resource = Resource::delivery_file, .guid = guid, .item = item, .name = name}, true);
  }
  CHECK(path_of({Resource::commit, guid, item}) == drop + "/deliveries/" + item.text() + "/commit");
}
