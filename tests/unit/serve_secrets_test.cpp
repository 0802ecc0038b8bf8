// What strangers cannot find out: answers that are the same byte for byte, logs without secrets, guesses that are
// counted.
#include <algorithm>

#include "base/text.h"
#include "unit/serve_things.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("an unknown space and a wrong token are answered by the same bytes") {
  SiteWorld world(without_rate());
  const Things things(world);
  for (const char* accept : {"*/*", "text/html"}) {
    std::vector<Got> answers;
    for (const std::string& guid : {things.created.space.guid.text(), Id::random().text(), std::string("mistyped")}) {
      Asked asked;
      asked.path = "/api/v1/spaces/" + guid;
      asked.headers = {{"Authorization", bearer(Token::random())}, {"Accept", accept}};
      answers.push_back(world.ask(asked));
    }
    for (const Got& got : answers) {
      CHECK(got.status == 404);
      CHECK(got.body == answers.front().body);
      CHECK(got.headers == answers.front().headers);
    }
  }
}

TEST_CASE("an unknown link and a mistyped one are answered by the same bytes") {
  SiteWorld world(without_rate());
  const Things things(world);
  for (const char* accept : {"*/*", "text/html"}) {
    std::vector<Got> answers;
    for (const std::string& link : {Token::random().text(), std::string("x"), things.created.token.text()}) {
      Asked asked;
      asked.path = "/d/" + link;
      asked.headers = {{"Accept", accept}};
      answers.push_back(world.ask(asked));
    }
    for (const Got& got : answers) {
      CHECK(got.status == 404);
      CHECK(got.body == answers.front().body);
      CHECK(got.headers == answers.front().headers);
    }
  }
}

TEST_CASE("the log of a share names neither link nor recipient") {
  SiteWorld world(without_rate());
  const Things things(world);
  const Guid& guid = things.created.space.guid;
  for (const char* path : {"/d/{link}", "/d/{link}/files/{file}", "/d/{link}/all.zip", "/api/v1/spaces/{guid}/shares",
                           "/api/v1/spaces/{guid}/shares/{share}"}) {
    Asked asked = sound("GET", path_of(path_of(path, guid, things), guid, things));
    asked.headers.push_back({"Authorization", bearer(things.created.token)});
    CHECK(world.ask(asked).status == 200);
  }
  REQUIRE(world.lines.size() >= 5);
  for (const std::string& line : world.lines) {
    CHECK(line.find(things.link) == std::string::npos);
    CHECK(line.find("example.org") == std::string::npos);
    CHECK(line.find(things.created.token.text()) == std::string::npos);
  }
}

TEST_CASE("wrong tokens and links are counted for each address, right ones go on") {
  SiteWorld world;
  const auto created = world.world.create();
  const std::string path = "/api/v1/spaces/" + created.space.guid.text();
  const auto ask = [&](const std::string& at, const std::string& right, const std::string& peer) {
    Asked asked;
    asked.path = at;
    if (!right.empty()) asked.headers.push_back({"Authorization", right});
    asked.peer = peer;
    return world.ask(asked);
  };
  int refused = 0;
  for (int i = 0; i < 100; ++i)
    if (ask(path, bearer(Token::random()), "192.0.2.7").status == 429) ++refused;
  CHECK(refused == 70);
  const Got over = ask(path, bearer(Token::random()), "192.0.2.7");
  CHECK(over.status == 429);
  CHECK_FALSE(over.header("Retry-After").empty());
  CHECK(ask("/d/" + Token::random().text(), "", "192.0.2.7").status == 429);
  CHECK(ask(path, bearer(created.token), "192.0.2.7").status == 200);
  CHECK(ask(path, bearer(Token::random()), "192.0.2.8").status == 404);
  CHECK(ask(path + "/files/" + Id::random().text(), bearer(created.token), "192.0.2.7").status == 404);
  int told = 0;
  for (const std::string& line : world.lines)
    if (line.find("too many wrong tokens") != std::string::npos) ++told;
  CHECK(told == 1);
}

TEST_CASE("with a public address, a name of another site in Host is refused") {
  serve::SiteOptions options;
  options.public_authority = "qrx.example.org";
  SiteWorld world(options);
  const auto status = [&](const std::string& host, bool by_proxy = false, bool control = false) {
    auto request = std::make_shared<http::Request>();
    request->method = "GET";
    request->path = control ? "/control/check" : "/healthz";
    request->headers = {{"Host", host}};
    request->by_proxy = by_proxy;
    request->control = control;
    const auto reply = world.router.handle(std::move(request));
    return std::get<http::Answer>(reply).status;
  };
  for (const char* host : {"qrx.example.org", "QRX.example.org:443", "qrx.example.org:8460", "127.0.0.1:8460", "[::1]",
                           "localhost:8460", "192.0.2.1"})
    CHECK(status(host) == 200);
  for (const char* host : {"evil.example", "qrx.example.org.evil.example", "evil.example:8460"})
    CHECK(status(host) == 421);
  CHECK(status("backend", true) == 200);
  CHECK(status("evil.example", false, true) == 405);
}

TEST_CASE("a proxy that nobody named is told of once, when a space is opened") {
  SiteWorld world;
  const auto open = [&](std::vector<http::Header> headers) {
    Asked asked;
    asked.method = "POST";
    asked.path = "/api/v1/spaces";
    asked.headers = std::move(headers);
    CHECK(world.ask(asked).status == 201);
    return std::count_if(world.lines.begin(), world.lines.end(),
                         [](const std::string& line) { return line.find("--public-url") != std::string::npos; });
  };
  CHECK(open({}) == 0);
  CHECK(open({{"X-Forwarded-For", "192.0.2.9"}}) == 1);
  CHECK(open({{"Forwarded", "for=192.0.2.9"}}) == 1);
}

TEST_CASE("a mistake is a line of text for curl, JSON for programs, and names no member of ours") {
  SiteWorld world;
  Asked asked;
  asked.method = "POST";
  asked.path = "/api/v1/spaces";
  asked.body = R"({"label": ")" + std::string(300, 'x') + R"("})";
  CHECK(world.ask(asked).type == "application/problem+json");
  asked.headers = {{"Accept", "*/*"}};
  const Got got = world.ask(asked);
  CHECK(got.status == 400);
  CHECK(got.type == "text/plain; charset=utf-8");
  CHECK(got.body == "the label is longer than 200 bytes\n");
}
