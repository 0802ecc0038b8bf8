// What browsers are shown: pages, what these load, and what went wrong.
#include <set>

#include "base/text.h"
#include "unit/serve_desk.h"

using namespace qrx;
using namespace qrx::test;

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
