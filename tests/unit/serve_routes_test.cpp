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
  const Got cut = desk.ask(asked);
  CHECK(cut.status == 400);
  CHECK(cut.body.find("%3F") != std::string::npos);
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

TEST_CASE("a form is one delivery, with its note, and names that were given twice are told apart") {
  Desk desk;
  const auto part = [](const std::string& head, const std::string& body) {
    return "--X\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  const std::string big(300'000, 'b');
  const std::string form = part("name=note", "hello") + part("name=f; filename=\"image.jpg\"", "1") +
                           part("name=f; filename=\"image.jpg\"", "2") + part("name=f; filename=\"\"", "") +
                           part("name=f; filename=\"big.bin\"", big) + "--X--\r\n";
  const std::vector<http::Header> headers = {{"Content-Type", "multipart/form-data; boundary=X"},
                                             {"Accept", "text/html"}};
  const Got got = desk.drop("POST", "", headers, form);
  CHECK(got.status == 201);
  CHECK(got.type.starts_with("text/html"));
  CHECK(got.body.find("image (1).jpg") != std::string::npos);
  const wire::DeliveryInfo delivery = desk.info().deliveries.at(0);
  CHECK(delivery.message == "hello");
  CHECK(delivery.files.size() == 3);
  CHECK(desk.drop("POST", "", headers, part("name=note", " ") + "--X--").status == 400);
  CHECK(desk.drop("POST", "", headers, part("name=f; filename=\"../x\"", "x") + "--X--").status == 400);
  CHECK(desk.drop("POST", "", headers, part("name=f; filename=\"x\"", "x")).status == 400);
  CHECK(desk.drop("POST", "", {{"Content-Type", "text/plain"}}, "x").status == 415);
  CHECK(desk.info().deliveries.size() == 1);
  // A note without a file is a text.
  CHECK(desk.drop("POST", "", headers, part("name=note", " x ") + part("name=f; filename=\"\"", "") + "--X--").status ==
        201);
  const wire::DeliveryInfo note = desk.info().deliveries.at(1);
  CHECK(note.message == "x");
  CHECK(note.files.empty());
}

TEST_CASE("nothing that has bytes is dropped from a form: it is kept, or the form is refused") {
  const auto part = [](const std::string& head, const std::string& body) {
    return "--X\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
  };
  const std::vector<http::Header> headers = {{"Content-Type", "multipart/form-data; boundary=X"}};
  const auto names_after = [&](const std::string& parts) {
    Desk desk;
    const Got got = desk.drop("POST", "", headers, parts + "--X--\r\n");
    if (got.status != 201) return std::to_string(got.status);
    std::string names;
    const wire::DeliveryInfo delivery = desk.info().deliveries.at(0);
    for (const wire::FileInfo& file : delivery.files) names += "[" + file.name + "]";
    return names + delivery.message;
  };
  CHECK(names_after(part("name=f; filename*=UTF-8''%E7%85%A7%E7%89%87.txt", "x")) == "[照片.txt]");
  CHECK(names_after(part("name=f; filename=\"a.txt\"; filename*=iso-8859-1'en'%A3.txt", "x")) == "[£.txt]");
  CHECK(names_after(part("name=f; filename*=UTF-8''%FF", "x")) == "400");
  CHECK(names_after(part("name=f; filename*=koi8-r''a", "x")) == "400");
  CHECK(names_after(part("name=f; filename=\"a.txt\"; filename*=koi8-r''b", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename*=UTF-8''%FF; filename=\"a.txt\"", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename=\"a.txt\"; filename*=UTF-8''", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename*=UTF-8''a; filename*=UTF-8''b", "x")) == "400");
  CHECK(names_after(part("name=f; filename=\"a\\b.txt\"", "x")) == "[a%5Cb.txt]");
  CHECK(names_after(part("name=f; filename=\"a%0Ab.txt\"", "x")) == "[a%0Ab.txt]");
  CHECK(names_after(part("name=note", "one") + part("name=message", "two") + part("name=f; filename=a", "x")) ==
        "[a]one\ntwo");
  CHECK(names_after(part("name=f; filename=\"\"", "has bytes") + part("name=f; filename=\"\"", "")) == "[upload]");
  CHECK(names_after(part("name=f; filename=\"\"", "1") + part("name=f; filename=\"\"", "2")) == "[upload][upload (1)]");
  CHECK(names_after(part("name=f; filename=\"caf\xE9.txt\"", "x")) == "[café.txt]");
  CHECK(names_after(part("name=f; filename=\"C:\\Users\\me\\a.txt\"", "x")) == "[a.txt]");
  CHECK(names_after(part("name=f; filename=\"say \\\"hi\\\".txt\"", "x")) == "[say \"hi\".txt]");
  CHECK(names_after(part("name=f; filename=\"a.txt\"", "x") + part("name=note", "late")) == "[a.txt]late");
  CHECK(names_after(part("name=f; filename=\"a.txt\"", "x") + part("name=comment", "lost?")) == "400");
  CHECK(names_after(part("name=f; filename=\"a.txt\"", "x") + part("name=button", "")) == "[a.txt]");
}

TEST_CASE("many files of one name are told apart without trying all numbers for each") {
  Desk desk;
  std::string form;
  for (int i = 0; i < 1000; ++i)
    form += "--X\r\nContent-Disposition: form-data; name=f; filename=\"a.txt\"\r\n\r\nx\r\n";
  const Got got = desk.drop("POST", "", {{"Content-Type", "multipart/form-data; boundary=X"}}, form + "--X--\r\n");
  CHECK(got.status == 201);
  const auto files = desk.info().deliveries.at(0).files;
  REQUIRE(files.size() == 1000);
  std::set<std::string> names;
  for (const wire::FileInfo& file : files) names.insert(file.name);
  CHECK(names.size() == 1000);
  CHECK(names.contains("a (999).txt"));
}

TEST_CASE("pages run no script but their own file, load nothing from elsewhere and show no markup of others") {
  wire::CreateSpace wish;
  wish.label =
      "<script>alert(1)</script>\xE2\x80\xAE"
      "evil";
  Desk desk(wish);
  const Got page = desk.drop("GET", "", {{"Accept", "text/html"}});
  const auto script = page.body.find("<script");
  CHECK(page.body.substr(script).starts_with("<script type=\"module\" src=\"/assets/send."));
  CHECK(page.body.find("<script", script + 1) == std::string::npos);
  CHECK(page.body.find("<style") == std::string::npos);
  CHECK(page.body.find("style=") == std::string::npos);
  CHECK(page.body.find("\xE2\x80\xAE") == std::string::npos);
  CHECK(page.body.find("&lt;script&gt;") != std::string::npos);
  const std::string policy = page.header("Content-Security-Policy");
  CHECK(policy.find("default-src 'none'") == 0);
  CHECK(policy.find("script-src 'self'; ") != std::string::npos);
  CHECK(policy.find("unsafe") == std::string::npos);
  CHECK(policy.find("frame-ancestors 'none'") != std::string::npos);
}

TEST_CASE("what pages load is compressed, kept for ever, and asked for again by its tag") {
  Desk desk;
  Asked asked;
  asked.path = "/scan";
  asked.headers = {{"Accept", "text/html"}, {"Accept-Language", "fr, zh-CN;q=0.8, en;q=0.7"}};
  const Got page = desk.ask(asked);
  CHECK(page.status == 200);
  CHECK(page.body.find("<html lang=\"zh-Hans\"") != std::string::npos);
  CHECK(page.header("Content-Security-Policy").find("'wasm-unsafe-eval'") != std::string::npos);
  const auto at = page.body.find("/assets/style.");
  asked.path = page.body.substr(at, page.body.find('"', at) - at);
  asked.headers = {};
  const Got plain = desk.ask(asked);
  CHECK(plain.status == 200);
  CHECK(plain.type == "text/css; charset=utf-8");
  CHECK(plain.header("Cache-Control") == "public, max-age=31536000, immutable");
  CHECK(plain.header("Content-Encoding").empty());
  for (const char* coding : {"br", "gzip"}) {
    asked.headers = {{"Accept-Encoding", std::string("identity, ") + coding}};
    const Got small = desk.ask(asked);
    CHECK(small.header("Content-Encoding") == coding);
    CHECK(small.body.size() < plain.body.size());
    asked.headers.push_back({"If-None-Match", small.header("ETag")});
    CHECK(desk.ask(asked).status == 304);
  }
  asked.headers = {{"Accept-Encoding", "br;q=0, gzip;q=0.0"}};
  CHECK(desk.ask(asked).body == plain.body);
  for (const char* path : {"/assets", "/assets/", "/assets/style.css", "/assets/../healthz", "/assets/save/x"}) {
    asked.path = path;
    CHECK(desk.ask(asked).status == 404);
  }
}

TEST_CASE("a form with the owner's token downloads a file") {
  Desk desk;
  REQUIRE(desk.put(desk.guid(), "a.txt", "hello").status == 201);
  Asked asked;
  asked.method = "POST";
  asked.path =
      "/api/v1/spaces/" + desk.guid().text() + "/files/" + desk.info().deliveries.at(0).files.at(0).file.text();
  asked.headers = {{"wire::Origin", "null"}, {"Content-Type", "application/x-www-form-urlencoded"}};
  asked.body = "token=" + desk.created.token.text();
  const Got got = desk.ask(asked);
  CHECK(got.status == 200);
  CHECK(got.body == "hello");
  CHECK(got.header("Content-Disposition").starts_with("attachment"));
  for (const std::string& form :
       {"token=" + Token::random().text(), std::string("token="), std::string("other=1"), asked.body + "&x=1"}) {
    asked.body = form;
    CHECK(desk.ask(asked).status >= 400);
  }
  asked.body = std::string(1000, 'x');
  CHECK(desk.ask(asked).status == 413);
}

TEST_CASE("the language is the one that is liked best of ours") {
  using serve::Language;
  CHECK(serve::choose_language("") == Language::english);
  CHECK(serve::choose_language("zh") == Language::chinese);
  CHECK(serve::choose_language("zh-Hans-CN,zh;q=0.9,en;q=0.8") == Language::chinese);
  CHECK(serve::choose_language("en-GB, zh;q=0.9") == Language::english);
  CHECK(serve::choose_language("en;q=0.3, zh;q=0.35") == Language::chinese);
  CHECK(serve::choose_language("de, fr;q=0.5") == Language::english);
  CHECK(serve::choose_language("zh;q=0, zhx, ;;,") == Language::english);
  CHECK(serve::sentence(Language::english, "sent_lead", {{"files", "{size}"}, {"size", "3 B"}}) ==
        "{size}, 3 B in all, arrived in full and checked.");
}

TEST_CASE("problems look like what asked for them, and tell nothing of the inside") {
  Desk desk;
  Asked asked;
  asked.path = "/else";
  const Got json = desk.ask(asked);
  CHECK(json.type == "application/problem+json");
  CHECK(wire::from_json<wire::Problem>(json.body)->status == 404);
  asked.headers = {{"Accept", "text/html,*/*"}};
  CHECK(desk.ask(asked).type.starts_with("text/html"));
  const Got inside = [&] {
    Got got;
    const http::Answer answer =
        serve::problem({false, false, "abc"}, Error{Kind::other, "cannot open /var/lib/qrx: permission denied", {}});
    got.status = answer.status;
    got.body = answer.body;
    return got;
  }();
  CHECK(inside.status == 500);
  CHECK(inside.body.find("/var") == std::string::npos);
  CHECK(inside.body.find("abc") != std::string::npos);
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
