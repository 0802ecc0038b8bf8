// What the routes answer when all is well, and when a request makes no sense.
#include <set>

#include "base/text.h"
#include "unit/serve_desk.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("a space is opened with its links and limits") {
  SiteWorld world;
  Asked asked;
  asked.method = "POST";
  asked.path = "/api/v1/spaces";
  asked.body = R"({"label":"Ann","max_size":1000,"max_files":3,"expire":60})";
  const Got got = world.ask(asked);
  REQUIRE(got.status == 201);
  const auto made = wire::from_json<wire::SpaceCreated>(got.body);
  REQUIRE(made);
  CHECK(made->drop == "HTTPS://QRX.EXAMPLE.ORG/U/" + to_upper_ascii(made->guid.text()));
  CHECK(made->owner == "https://qrx.example.org/s/" + made->guid.text() + "#" + made->token);
  CHECK(made->limits == wire::Limits{1000, 3});
  CHECK(made->expires == world.world.clock.wall() + Seconds(60));
  CHECK(got.header("Cache-Control") == "no-store");
  for (const char* body : {"[]", "{", R"({"expire":-1})", R"({"seal":"x"})"}) {
    asked.body = body;
    CHECK(world.ask(asked).status == 400);
  }
  asked.body = std::string(20'000, ' ');
  CHECK(world.ask(asked).status == 413);
}

TEST_CASE("with create tokens, only who has one opens a space") {
  serve::SiteOptions options;
  options.create_needs_token = true;
  SiteWorld world(options);
  world.site.set_create_tokens({sha256(as_bytes("let me in"))});
  const auto status = [&](const std::string& token) {
    Asked asked;
    asked.method = "POST";
    asked.path = "/api/v1/spaces";
    if (!token.empty()) asked.headers.push_back({"Authorization", "Bearer " + token});
    return world.ask(asked).status;
  };
  CHECK(status("") == 401);
  CHECK(status("let me out") == 403);
  CHECK(status("let me in") == 201);
}

TEST_CASE("too many spaces from one address: 429 says when to come back") {
  serve::SiteOptions options;
  options.create_rate = 2;
  SiteWorld world(options);
  Asked asked;
  asked.method = "POST";
  asked.path = "/api/v1/spaces";
  CHECK(world.ask(asked).status == 201);
  CHECK(world.ask(asked).status == 201);
  const Got refused = world.ask(asked);
  CHECK(refused.status == 429);
  CHECK(refused.header("Retry-After") == "30");
  world.world.clock.pass(Seconds(30));
  CHECK(world.ask(asked).status == 201);
}

TEST_CASE("an owner waits for the next change") {
  Desk desk;
  const std::string seq = std::to_string(desk.info().seq);
  CHECK_FALSE(desk.owner("", "after=1&wait=60").waited);
  CHECK_FALSE(desk.owner("", "wait=60").waited);
  CHECK_FALSE(desk.owner("", "after=" + seq).waited);
  CHECK(desk.owner("", "after=" + seq + "&wait=60", {}, "GET", false).status == 0);
  const Got at_the_end = desk.owner("", "after=" + seq + "&wait=60");
  CHECK(at_the_end.waited);
  CHECK(at_the_end.status == 200);
  REQUIRE(desk.put(desk.guid(), "a.txt", "hello").status == 201);
  const Got changed = desk.owner("", "after=" + seq + "&wait=60", {}, "GET", false);
  CHECK_FALSE(changed.waited);
  CHECK(changed.body.find("a.txt") != std::string::npos);
  for (const char* query : {"after=x", "after=-1", "after=1&wait=61", "wait=1.5", "after=", "after=1&after=2", "wait"})
    CHECK(desk.owner("", query).status == 400);
}

TEST_CASE("an owner extends and closes a space; a closed one takes nothing") {
  Desk desk;
  CHECK(desk.owner("", "", {}, "PATCH", true, R"({"state":"closed","expire":120})").status == 200);
  CHECK(desk.info().state == wire::SpaceState::closed);
  CHECK(desk.info().expires == desk.world.clock.wall() + Seconds(120));
  CHECK(desk.put(desk.guid(), "a.txt", "x").status == 403);
  CHECK(desk.drop("GET", "", {{"Accept", "text/html"}}).body.find("<form") == std::string::npos);
  CHECK(desk.owner("", "", {}, "PATCH", true, "nonsense").status == 400);
}

TEST_CASE("one file by PUT, of known and of unknown length, empty too") {
  Desk desk;
  const Got got = desk.put(desk.guid(), "dir/photo.jpg", "12345");
  CHECK(got.status == 201);
  CHECK(got.body == "sent successfully: dir/photo.jpg, 5 bytes, xxh128 " + got.header("Qrx-Xxh128") + "\n");
  CHECK(desk.drop("PUT", "/piped", {}, "abc", true).status == 201);
  CHECK(desk.drop("PUT", "/empty").status == 201);
  CHECK(desk.drop("PUT", "/empty-chunked", {}, "", true).status == 201);
  const Got json = desk.drop("PUT", "/j", {{"Accept", "application/json"}}, "x");
  CHECK(wire::from_json<wire::DeliveryState>(json.body)->files.at(0).name == "j");
  CHECK(desk.info().deliveries.size() == 5);
  CHECK(desk.drop("PUT", "/part", {{"Content-Range", "bytes 0-1/5"}}, "xx").status == 400);
  for (const char* name : {"/..%2fx", "/%2Fetc%2Fpasswd", "/a%00b", "/a%5Cb", "/%ff", "/a//b", "/C:%2Fx"})
    CHECK(desk.drop("PUT", name, {}, "x").status == 400);
  const Got broken = desk.drop("PUT", "/100%.txt", {{"Accept", "*/*"}}, "x");
  CHECK(broken.status == 400);
  CHECK(broken.body.find("%25") != std::string::npos);
  CHECK(desk.info().deliveries.size() == 5);
}

TEST_CASE("a file by PUT has all of its name and all of its bytes, or is refused") {
  Desk desk;
  Asked asked;
  asked.method = "PUT";
  asked.path = "/u/" + desk.guid().text() + "/what";
  asked.headers = {{"Accept", "*/*"}};
  asked.body = "x";
  asked.has_body = true;
  asked.query = ".txt";  // of "what?.txt"
  const std::string delivery = "/deliveries" + id_in(desk.drop("POST", "/deliveries", {}, "{}").header("Location"));
  for (const std::string& path : {asked.path, "/u/" + desk.guid().text() + delivery + "/files/what"}) {
    INFO(path);
    Asked of_file = asked;
    of_file.path = path;
    const Got cut = desk.ask(of_file);
    CHECK(cut.status == 400);
    CHECK(cut.body.find("%3F") != std::string::npos);
  }
  CHECK(wire::from_json<wire::DeliveryState>(desk.drop("GET", delivery).body)->files.empty());
  asked.query.clear();
  asked.body.clear();
  asked.has_body = false;
  asked.chunked = true;  // it tells no length at all
  CHECK(desk.ask(asked).status == 411);
  CHECK(desk.info().deliveries.empty());
}

TEST_CASE("what a query says is found wherever it stands, and not guessed when it stands there twice") {
  Desk desk;
  const auto remove = [&](const std::string& query) { return desk.owner("", query, {}, "DELETE").status; };
  CHECK(remove("x=1&deliveries=7") == 409);
  CHECK(remove("deliveries=0&deliveries=7") == 400);
  CHECK(remove("deliveries=") == 400);
  CHECK(remove("deliveries") == 400);
  CHECK(desk.owner("", "from=&from=").status == 400);
  CHECK(desk.owner("", "after=1&x&after=2").status == 400);
  CHECK(desk.owner("/shares", "from=1&from=2").status == 400);
  CHECK(remove("x=1&deliveries=0") == 204);
}

TEST_CASE("OPTIONS * asks for the server as a whole") {
  Desk desk;
  Asked asked;
  asked.method = "OPTIONS";
  asked.path = "*";
  const Got got = desk.ask(asked);
  CHECK(got.status == 204);
  CHECK(got.header("Allow").find("PATCH") != std::string::npos);
}

TEST_CASE("who sends is told whether the receiver understands packs") {
  Desk desk;
  const auto told = [&](const Guid& guid) {
    Asked asked;
    asked.path = "/u/" + guid.text();
    asked.headers = {{"Accept", "application/json"}};
    const std::string body = desk.ask(asked).body;
    const auto info = wire::from_json<wire::DropInfo>(body);
    REQUIRE(info);
    CHECK(info->packs == (body.find("packs") != std::string::npos));
    return info->packs;
  };
  const auto open = [&](const std::string& wish) {
    Asked asked;
    asked.method = "POST";
    asked.path = "/api/v1/spaces";
    asked.body = wish;
    return desk.ask(asked);
  };
  const auto with = wire::from_json<wire::SpaceCreated>(open(R"({"packs":true})").body);
  REQUIRE(with);
  CHECK(open(R"({"packs":1})").status == 400);
  CHECK(told(with->guid));
  CHECK_FALSE(told(desk.guid()));
}

TEST_CASE("limits are told, and refused before the body") {
  Desk desk(with_limits(10, 2));
  CHECK(wire::from_json<wire::DropInfo>(desk.drop("GET", "", {{"Accept", "application/json"}}).body)->limits ==
        wire::Limits{10, 2});
  const Got refused = desk.put(desk.guid(), "big", "12345678901");
  CHECK(refused.status == 413);
  CHECK_FALSE(refused.took_body);
  CHECK(desk.drop("PUT", "/piped", {}, "12345678901", true).status == 413);
  CHECK(desk.put(desk.guid(), "a", "1").status == 201);
  CHECK(desk.put(desk.guid(), "b", "1").status == 201);
  CHECK(desk.put(desk.guid(), "c", "1").status == 413);
}

TEST_CASE("who does not fit beside what others are sending is told to come again, and who never fits is not") {
  Desk desk(with_limits(100, 0));
  const auto other = desk.world.spaces->create_upload(desk.guid(), new_upload("unfinished", 70), {"192.0.2.9"});
  REQUIRE(other);
  auto writer = desk.world.spaces->write(desk.guid(), other->upload, 0, std::nullopt, {"192.0.2.9"});
  REQUIRE((*writer)->write(as_bytes(std::string(60, 'x'))));
  const std::string half(50, 'h');
  for (const char* accept : {"*/*", "application/json", "text/html"}) {
    INFO(accept);
    const Got later = desk.drop("PUT", "/half", {{"Accept", accept}}, half);
    CHECK(later.status == 503);
    CHECK(later.header("Retry-After") == "5");
    CHECK(later.body.find("try again in a minute") != std::string::npos);
  }
  const Got created = desk.drop("POST", "/uploads", {tus, {"Upload-Length", "50"}});
  CHECK(created.status == 503);
  CHECK(created.header("Retry-After") == "5");
  const Got never = desk.drop("PUT", "/more", {}, std::string(101, 'm'));
  CHECK(never.status == 413);
  CHECK(never.header("Retry-After").empty());
  writer->reset();
  REQUIRE(desk.world.spaces->remove_upload(desk.guid(), other->upload));
  CHECK(desk.drop("PUT", "/half", {}, half).status == 201);
  CHECK(desk.drop("PUT", "/half", {}, half + "!").status == 413);
}

TEST_CASE("content goes out as an attachment that nobody runs, whole or in part") {
  Desk desk;
  const std::string sum = desk.put(desk.guid(), "dir/\xC3\xA4.html", "0123456789").header("Qrx-Xxh128");
  const std::string path = "/files/" + desk.info().deliveries.at(0).files.at(0).file.text();
  const Got whole = desk.owner(path);
  CHECK(whole.status == 200);
  CHECK(whole.body == "0123456789");
  CHECK(whole.header("ETag") == "\"xxh128-" + sum + "\"");
  CHECK(whole.header("Content-Disposition") == "attachment; filename=\"__.html\"; filename*=UTF-8''%C3%A4.html");
  CHECK(whole.header("Content-Security-Policy") == "sandbox; default-src 'none'");
  CHECK(whole.header("X-Content-Type-Options") == "nosniff");
  CHECK(whole.header("Repr-Digest").empty());
  const Got part = desk.owner(path, "", {{"Range", "bytes=2-4"}});
  CHECK(part.status == 206);
  CHECK(part.body == "234");
  CHECK(part.header("Content-Range") == "bytes 2-4/10");
  CHECK(desk.owner(path, "", {{"Range", "bytes=2-4"}, {"If-Range", whole.header("ETag")}}).status == 206);
  CHECK(desk.owner(path, "", {{"Range", "bytes=2-4"}, {"If-Range", "\"x\""}}).status == 200);
  CHECK(desk.owner(path, "", {{"Range", "bytes=0-1,3-4"}}).body == "0123456789");
  const Got beyond = desk.owner(path, "", {{"Range", "bytes=10-"}});
  CHECK(beyond.status == 416);
  CHECK(beyond.header("Content-Range") == "bytes */10");
  CHECK(desk.owner(path, "", {{"If-None-Match", whole.header("ETag")}}).status == 304);
  CHECK(desk.owner(path, "", {{"If-Match", "\"x\""}}).status == 412);
  CHECK(desk.owner(path, "", {{"Want-Repr-Digest", "sha-256=1"}}).header("Repr-Digest") ==
        "sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:");
  CHECK(desk.owner("/files/" + Id::random().text()).status == 404);
}

TEST_CASE("a running upload can be read as far as it came") {
  Desk desk;
  const std::string at = id_in(desk.drop("POST", "/uploads", {tus, {"Upload-Length", "10"}}).header("Location"));
  REQUIRE(desk.drop("PATCH", "/uploads" + at, {tus, chunk, {"Upload-Offset", "0"}}, "01234").status == 204);
  const Got got = desk.owner("/files" + at);
  CHECK(got.status == 200);
  CHECK(got.body == "01234");
  CHECK(got.header("ETag").empty());
  CHECK(desk.owner("/files" + at, "", {{"Range", "bytes=3-"}}).body == "34");
  REQUIRE(desk.drop("PATCH", "/uploads" + at, {tus, chunk, {"Upload-Offset", "5"}}, "56789").status == 204);
  CHECK(desk.owner("/files" + at).body == "0123456789");
}

TEST_CASE("several files are one delivery") {
  Desk desk;
  const Got opened = desk.drop("POST", "/deliveries", {}, R"({"message":"hi"})");
  REQUIRE(opened.status == 201);
  const std::string at = "/deliveries" + id_in(opened.header("Location"));
  const Got put = desk.drop("PUT", at + "/files/dir/a.txt", {}, "a");
  CHECK(put.status == 202);
  CHECK(put.header("Qrx-Xxh128").size() == 32);
  const std::string meta = "filename Yg==,delivery " + to_base64(as_bytes(id_in(at).substr(1)));
  const std::string upload =
      "/uploads" +
      id_in(desk.drop("POST", "/uploads", {tus, {"Upload-Length", "1"}, {"Upload-Metadata", meta}}).header("Location"));
  CHECK(desk.drop("POST", at + "/commit", {}, R"({"files":2})").status == 409);
  REQUIRE(desk.drop("PATCH", upload, {tus, chunk, {"Upload-Offset", "0"}}, "b").status == 204);
  CHECK(desk.drop("POST", at + "/commit", {}, R"({"files":3})").status == 409);
  CHECK(desk.info().deliveries.empty());
  for (int i = 0; i < 2; ++i) CHECK(desk.drop("POST", at + "/commit", {}, R"({"files":2})").status == 200);
  CHECK(desk.info().deliveries.at(0).files.size() == 2);
  CHECK(desk.info().deliveries.at(0).message == "hi");
  CHECK(wire::from_json<wire::DeliveryState>(desk.drop("GET", at).body)->committed);
  CHECK(desk.drop("PUT", at + "/files/c", {}, std::string((256U << 10) + 1, 'c')).status == 413);
}

TEST_CASE("the log tells each request, and no secret") {
  Desk desk;
  REQUIRE(desk.put(desk.guid(), "private.txt", "x").status == 201);
  REQUIRE(desk.owner().status == 200);
  std::string all;
  for (const std::string& line : desk.lines) all += line;
  CHECK(all.find("method=PUT") != std::string::npos);
  CHECK(all.find("status=201") != std::string::npos);
  CHECK(all.find("private") == std::string::npos);
  CHECK(all.find(desk.created.token.text()) == std::string::npos);
  CHECK(all.find(desk.guid().text()) == std::string::npos);
}
