#include "unit/catch.h"

#include "serve/content/zip_plan.h"
#include "unit/serve_site.h"
#include "wire/share_messages.h"
#include "wire/zip.h"

using namespace qrx;
using namespace qrx::test;

namespace {

// A space with a file, and a share of it.
struct Passed {
  explicit Passed(std::uint64_t downloads = 0) {
    created = world.world.create();
    REQUIRE(world.put(created.space.guid, "a.txt", "hello").status == 201);
    wire::CreateShares wish;
    wish.recipients = {"a@example.org"};
    wish.downloads = downloads;
    const auto made = world.shares.create(created.space.guid, created.token.text(), wish);
    REQUIRE(made);
    share = made->shares.shares.at(0);
  }
  Got ask(const std::string& method, const std::string& path, std::vector<http::Header> headers = {},
          std::string body = {}) {
    Asked asked;
    asked.method = method;
    asked.path = path;
    asked.headers = std::move(headers);
    asked.body = std::move(body);
    return world.ask(asked);
  }
  wire::SharedSpace seen() {
    const Got got = ask("GET", "/d/" + share.token, {{"Accept", "application/json"}});
    REQUIRE(got.status == 200);
    const auto shared = wire::from_json<wire::SharedSpace>(got.body);
    REQUIRE(shared);
    return *shared;
  }
  std::string file_path() { return "/d/" + share.token + "/files/" + seen().deliveries.at(0).files.at(0).file.text(); }
  std::string shares_path() const { return "/api/v1/spaces/" + created.space.guid.text() + "/shares"; }
  http::Header owner() const { return {"Authorization", bearer(created.token)}; }

  SiteWorld world;
  space::Created created;
  space::ShareView share;
};

}  // namespace

TEST_CASE("a recipient's link is a page for browsers and JSON for programs, and for no search engine") {
  Passed passed;
  const Got page = passed.ask("GET", "/d/" + passed.share.token, {{"Accept", "text/html"}});
  CHECK(page.status == 200);
  CHECK(page.type.starts_with("text/html"));
  CHECK(page.body.find("a.txt") != std::string::npos);
  CHECK(page.header("X-Robots-Tag") == "noindex, nofollow");
  CHECK(page.header("Referrer-Policy") == "no-referrer");
  const Got json = passed.ask("GET", "/d/" + passed.share.token, {{"Accept", "application/json"}});
  CHECK(json.body.find("\"url\":\"https://qrx.example.org" + passed.file_path() + "\"") != std::string::npos);
  CHECK(passed.ask("GET", "/D/" + passed.share.token + "/").status == 200);
}

TEST_CASE("the content of a share is that of the owner's route, head for head") {
  Passed passed;
  const std::string file = passed.seen().deliveries.at(0).files.at(0).file.text();
  const std::string own = "/api/v1/spaces/" + passed.created.space.guid.text() + "/files/" + file;
  for (const char* method : {"GET", "HEAD"})
    for (const std::vector<http::Header>& headers : {std::vector<http::Header>{},
                                                     {{"Range", "bytes=1-2"}},
                                                     {{"Range", "bytes=9-"}},
                                                     {{"If-None-Match", "*"}},
                                                     {{"Want-Repr-Digest", "sha-256=1"}},
                                                     {{"If-Match", "\"other\""}},
                                                     {{"Range", "bytes=1-2"}, {"If-Range", "\"other\""}}}) {
      auto with_token = headers;
      with_token.push_back(passed.owner());
      const Got theirs = passed.ask(method, passed.file_path(), headers);
      const Got ours = passed.ask(method, own, with_token);
      CHECK(theirs.status == ours.status);
      if (ours.status < 400) CHECK(theirs.body == ours.body);
      for (const auto& [name, value] : ours.headers) CHECK(theirs.header(name) == value);
    }
}

TEST_CASE("a limited link is used up by a download, by GET or by a form") {
  for (const char* method : {"GET", "POST"}) {
    Passed passed(1);
    const std::string path = passed.file_path();
    CHECK(passed.ask("HEAD", path).status == 200);
    CHECK(passed.ask(method, path).body == "hello");
    const Got again = passed.ask(method, path);
    CHECK(again.status == 410);
    CHECK(again.body.find("download limit") != std::string::npos);
    CHECK(passed.ask("GET", "/d/" + passed.share.token).status == 410);
    CHECK(passed.ask("GET", "/d/" + passed.share.token + "/all.zip").status == 410);
  }
}

TEST_CASE("a page says why a link opens nothing any more, in its reader's language") {
  const auto page = [](Passed& passed) {
    const Got got =
        passed.ask("GET", "/d/" + passed.share.token, {{"Accept", "text/html"}, {"Accept-Language", "zh-CN"}});
    CHECK(got.status == 410);
    return got.body;
  };
  Passed used_up(1);
  CHECK(used_up.ask("GET", used_up.file_path()).status == 200);
  CHECK(page(used_up).find("\u5DF2\u4E0B\u8F7D\u5B8C\u6BD5") != std::string::npos);
  Passed revoked;
  CHECK(revoked.world.shares.revoke(revoked.created.space.guid, revoked.created.token.text(), revoked.share.share));
  CHECK(page(revoked).find("\u94FE\u63A5\u5DF2\u64A4\u56DE") != std::string::npos);
  Passed expired;
  expired.world.world.clock.pass(Seconds(366 * 86400));
  CHECK(page(expired).find("\u6B64\u94FE\u63A5\u5DF2\u8FC7\u671F") != std::string::npos);
}

TEST_CASE("a link that is being used up is locked, with a time to come back") {
  Passed passed(1);
  const std::string path = passed.file_path();
  const auto row = passed.world.world.catalog->file(passed.seen().deliveries.at(0).files.at(0).file);
  const auto transfer = passed.world.shares.begin(passed.share.token, **row, 0, 5);
  REQUIRE(transfer);
  for (const std::string& busy : {path, "/d/" + passed.share.token + "/all.zip"}) {
    const Got got = passed.ask("GET", busy);
    CHECK(got.status == 423);
    CHECK_FALSE(got.header("Retry-After").empty());
  }
  (*transfer)->handed_all();
  CHECK(passed.ask("GET", path).waited);  // whether it was taken is known in a moment
  CHECK(passed.ask("GET", passed.shares_path(), {passed.owner()}).waited);
  CHECK_FALSE(passed.ask("GET", passed.shares_path(), {{"Authorization", bearer(Token::random())}}).waited);
  (*transfer)->completed();
  CHECK_FALSE(passed.ask("GET", path).waited);
  CHECK(passed.ask("GET", path).status == 410);
}

TEST_CASE("a client that asks again at the last byte waits until it is known to be taken, where the link has a limit") {
  for (const std::uint64_t limit : {0, 2}) {
    Passed passed(limit);
    for (const std::string& path : {passed.file_path(), "/d/" + passed.share.token + "/all.zip"}) {
      unsigned pieces = 0;
      bool waited = false;
      Asked asked;
      asked.path = path;
      asked.piece_out = [&] {
        ++pieces;
        waited = passed.ask("GET", "/d/" + passed.share.token).waited;
      };
      CHECK(passed.world.ask(asked).status == 200);
      CHECK(pieces == 1);
      CHECK(waited == (limit > 0));
    }
  }
}

TEST_CASE("the owner is told links that work, and 201 only for new ones") {
  Passed passed;
  const Got made = passed.ask("POST", passed.shares_path(), {passed.owner()}, R"({"recipients":["b@example.org"]})");
  CHECK(made.status == 201);
  const auto shares = wire::from_json<wire::Shares>(made.body);
  REQUIRE(shares);
  CHECK(shares->shares.at(0).link.starts_with("https://qrx.example.org/d/"));
  CHECK(passed.ask("GET", shares->shares.at(0).link.substr(std::string("https://qrx.example.org").size())).status ==
        200);
  CHECK(passed.ask("POST", passed.shares_path(), {passed.owner()}, R"({"recipients":["b@example.org"]})").status ==
        200);
  CHECK(passed.ask("POST", passed.shares_path(), {passed.owner()}, R"({"recipients":["b"]})").status == 400);
  CHECK(passed.ask("POST", passed.shares_path(), {passed.owner()}, R"({"recipients":["c@example.org"],"notify":true})")
            .status == 403);
  const std::string one = passed.shares_path() + "/" + passed.share.share.text();
  CHECK(passed.ask("PATCH", one, {passed.owner()}, R"({"state":"sending"})").status == 200);
  CHECK(passed.ask("PATCH", one, {passed.owner()}, R"({"state":"sending"})").status == 409);
  CHECK(passed.ask("DELETE", one, {passed.owner()}).status == 204);
  CHECK(passed.ask("GET", "/d/" + passed.share.token).status == 410);
}

TEST_CASE("the owner reads a long list of shares page by page, and makes it off the threads of all") {
  Passed passed;
  for (int first : {0, 600}) {
    std::string wish = "{\"recipients\":[";
    for (int i = first; i < first + 600; ++i) wish += (i > first ? ",\"link:" : "\"link:") + std::to_string(i) + "\"";
    const Got made = passed.ask("POST", passed.shares_path(), {passed.owner()}, wish + "]}");
    CHECK(made.status == 201);
    CHECK(made.worked);
  }
  std::size_t listed = 0, pages = 0;
  Asked asked;
  asked.path = passed.shares_path();
  asked.headers = {passed.owner()};
  do {
    const Got got = passed.world.ask(asked);
    REQUIRE(got.status == 200);
    const auto page = wire::from_json<wire::Shares>(got.body);
    REQUIRE(page);
    listed += page->shares.size();
    ++pages;
    asked.query = page->next.empty() ? "" : "from=" + page->next;
  } while (!asked.query.empty());
  CHECK(listed == 1201);
  CHECK(pages == 2);
  asked.query = "from=x";
  CHECK(passed.world.ask(asked).status == 400);
}

TEST_CASE("names in an archive are safe everywhere") {
  const std::pair<const char*, const char*> names[] = {{"a/b.txt", "a/b.txt"},
                                                       {".ssh/x", "_ssh/x"},
                                                       {"-rf", "_rf"},
                                                       {"con", "_con"},
                                                       {"dir/NUL.txt", "dir/_NUL.txt"},
                                                       {"com1.x", "_com1.x"},
                                                       {"a:b", "a_b"},
                                                       {"a\u202Eb", "a_b"},
                                                       {"end. ", "end._"},
                                                       {"\u4F60.txt", "\u4F60.txt"},
                                                       {"comet", "comet"},
                                                       {"a\"b<>|?*", "a_b_____"}};
  for (const auto& [name, safe] : names) CHECK(serve::archive_name(name) == safe);
}

TEST_CASE("names in an archive are unique, also where cases are not told apart") {
  auto state = std::make_shared<space::SpaceState>();
  std::vector<std::uint32_t> files;
  const std::string longest = std::string(251, 'x') + ".txt";
  for (const std::string& name : {std::string("a"), std::string("A"), std::string("a/b"), std::string("d/x.txt"),
                                  std::string("d"), std::string("a (2)/b"), std::string("d/X.txt"), longest, longest}) {
    space::FileRow row;
    row.name = name;
    files.push_back(static_cast<std::uint32_t>(state->files.size()));
    state->files.push_back(row);
  }
  const serve::ZipPlan plan(state, files);
  std::vector<std::string> names;
  for (std::size_t entry = 0; entry < plan.entries(); ++entry) names.push_back(plan.name(entry));
  CHECK(names == std::vector<std::string>{"a", "A (2)", "a (3)/b", "d/x.txt", "d (2)", "a (2) (2)/b", "d/X (2).txt",
                                          longest, std::string(247, 'x') + " (2).txt"});
}

TEST_CASE("an archive has the date and the mode of each file") {
  const auto state = std::make_shared<space::SpaceState>();
  space::DeliveryRow delivery;
  delivery.delivery = Id::random();
  delivery.committed = WallTime(Seconds(1'795'000'000));
  state->deliveries.push_back(delivery);
  const WallTime then(Seconds(1'000'000'000));
  for (const wire::FileProperties& properties : {wire::FileProperties{then, true}, wire::FileProperties{}}) {
    space::FileRow row;
    row.name = "a";
    row.delivery = delivery.delivery;
    row.properties = properties;
    state->files.push_back(row);
  }
  const serve::ZipPlan plan(state, {0, 1});
  CHECK(plan.modified(0) == then);
  CHECK(plan.modified(1) == delivery.committed);

  const auto mode = [](bool executable) {
    const std::string record = wire::zip_central_record({"a", 5, {}, 0, 7, executable});
    return static_cast<unsigned char>(record[40]) | static_cast<unsigned char>(record[41]) << 8;
  };
  CHECK(mode(true) == 0100755);
  CHECK(mode(false) == 0100644);
}

TEST_CASE("a date that an archive cannot hold is the nearest that it can") {
  const auto dos = [](std::int64_t seconds) {
    const std::string header = wire::zip_local_header({"a", 5, WallTime(Seconds(seconds)), 0, 7, false});
    const auto u16 = [&](std::size_t at) {
      return static_cast<unsigned char>(header[at]) | static_cast<unsigned char>(header[at + 1]) << 8;
    };
    return std::tuple(u16(12), u16(10), header.size());
  };
  const std::size_t bare = 30 + 1, stamped = bare + 9;
  CHECK(dos(0) == std::tuple(1 << 5 | 1, 0, stamped));  // 1980-01-01, stamp 0
  CHECK(dos(1'000'000'000) == std::tuple(21 << 9 | 9 << 5 | 9, 1 << 11 | 46 << 5 | 20, stamped));  // 2001-09-09
  CHECK(dos(INT32_MAX) == std::tuple(58 << 9 | 1 << 5 | 19, 3 << 11 | 14 << 5 | 3, stamped));
  CHECK(dos(1LL + INT32_MAX) == std::tuple(58 << 9 | 1 << 5 | 19, 3 << 11 | 14 << 5 | 4, bare));
  CHECK(dos(253'402'300'799) == std::tuple(127 << 9 | 12 << 5 | 31, 23 << 11 | 59 << 5 | 29, bare));
}

TEST_CASE("the records of an archive grow with what they tell") {
  const WallTime time(Seconds(1'795'000'000));
  const wire::ZipEntry small{"a", 5, time, 0, 7, false};
  const wire::ZipEntry large{"a", 0xFFFFFFFF, time, 0, 7, false};
  const wire::ZipEntry far{"a", 5, time, 0x1'0000'0000, 7, false};
  CHECK(wire::zip_local_header(small).size() == 30 + 1 + 9);
  CHECK(wire::zip_local_header(large).size() == 30 + 1 + 9 + 20);
  CHECK(wire::zip_descriptor(small).size() == 16);
  CHECK(wire::zip_descriptor(large).size() == 24);
  CHECK(wire::zip_central_record(small).size() == 46 + 1 + 9);
  CHECK(wire::zip_central_record(large).size() == 46 + 1 + 9 + 20);
  CHECK(wire::zip_central_record(far).size() == 46 + 1 + 9 + 12);
  CHECK(wire::zip_end(0xFFFE, 5, 5).size() == 22);
  CHECK(wire::zip_end(0xFFFF, 5, 5).size() == 22 + 56 + 20);
  CHECK(wire::zip_end(1, 0xFFFFFFFF, 5).size() == 22 + 56 + 20);
  wire::Crc32 crc;
  crc.update(as_bytes("1234"));
  crc.update(as_bytes("56789"));
  CHECK(crc.sum() == 0xCBF43926);  // the check value of CRC-32/ISO-HDLC
}
