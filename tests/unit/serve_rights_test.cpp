// Who may do what: every route, method and token.
#include <algorithm>

#include "base/text.h"
#include "unit/catch.h"
#include "unit/serve_site.h"

using namespace qrx;
using namespace qrx::test;

namespace {

const std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

// One space with a committed file, an upload that runs and a delivery that is open.
struct Things {
  explicit Things(SiteWorld& world) : created(world.world.create()) {
    const Guid& guid = created.space.guid;
    REQUIRE(world.put(guid, "a.txt", "hello").status == 201);
    const auto info = world.world.spaces->view(guid, created.token.text());
    REQUIRE(info);
    file = info->deliveries.at(0).files.at(0).file;
    sent = info->deliveries.at(0).delivery;
    upload = world.world.spaces->create_upload(guid, new_upload("b.bin", 4))->upload;
    delivery = world.world.spaces->open_delivery(guid, {})->delivery;
    REQUIRE(world.world.spaces->put_small(guid, delivery, "c.txt", as_bytes("c")));
    wire::CreateShares wish;
    wish.recipients = {"a@example.org"};
    const auto shared = world.shares.create(guid, created.token.text(), wish);
    REQUIRE(shared);
    share = shared->shares.shares.at(0).share;
    link = shared->shares.shares.at(0).link;
  }
  space::Created created;
  Id file, sent, upload, delivery, share;
  std::string link;  // its token
};

std::string path_of(std::string pattern, const Guid& guid, const Things& things) {
  const std::pair<std::string, std::string> words[] = {{"{guid}", guid.text()},
                                                       {"{file}", things.file.text()},
                                                       {"{sent}", things.sent.text()},
                                                       {"{upload}", things.upload.text()},
                                                       {"{delivery}", things.delivery.text()},
                                                       {"{share}", things.share.text()},
                                                       {"{link}", things.link}};
  for (const auto& [word, value] : words)
    if (const auto at = pattern.find(word); at != std::string::npos) pattern.replace(at, word.size(), value);
  return pattern;
}

// A request that the route would take, so that only the right decides.
Asked sound(const std::string& method, const std::string& path) {
  Asked asked;
  asked.method = method;
  asked.path = path;
  asked.headers.push_back({"Tus-Resumable", "1.0.0"});
  if (method == "PATCH" && path.find("/uploads/") != std::string::npos) {
    asked.headers.push_back({"Upload-Offset", "0"});
    asked.headers.push_back({"Content-Type", "application/offset+octet-stream"});
    asked.body = "data";
  } else if (method == "POST" && path.ends_with("/uploads")) {
    asked.headers.push_back({"Upload-Length", "4"});
  } else if (method == "POST" && path.size() == 29) {  // /u/{guid}
    asked.headers.push_back({"Content-Type", "multipart/form-data; boundary=X"});
    asked.body = "--X\r\nContent-Disposition: form-data; name=f; filename=d\r\n\r\nd\r\n--X--\r\n";
  } else if (method == "POST" && path.ends_with("/shares")) {
    asked.body = R"({"recipients":["b@example.org"]})";
  } else if (method == "PATCH" && path.find("/shares/") != std::string::npos) {
    asked.body = R"({"state":"sent"})";
  } else if (method == "POST" && path.ends_with("/receipt")) {
    asked.body = R"({"state":"saved"})";
  } else if (method == "PATCH" || method == "POST") {
    asked.body = "{}";
  } else if (method == "PUT") {
    asked.body = "put";
  }
  return asked;
}

struct Row {
  std::string path;
  // A status for each method, in their order above: without a token, with a wrong one, with the owner's.
  std::vector<int> none, wrong, owner;
};

const std::vector<Row> rows = {
    //                              GET  HEAD POST PUT  PATCH DEL OPTIONS
    {"/",
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204}},
    {"/scan",
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204}},
    {"/assets/x",
     {404, 404, 405, 405, 405, 405, 204},
     {404, 404, 405, 405, 405, 405, 204},
     {404, 404, 405, 405, 405, 405, 204}},
    {"/healthz",
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204}},
    {"/api/v1/spaces",
     {405, 405, 201, 405, 405, 405, 204},
     {405, 405, 201, 405, 405, 405, 204},
     {405, 405, 201, 405, 405, 405, 204}},
    {"/api/v1/spaces/{guid}",
     {401, 401, 405, 405, 401, 401, 204},
     {404, 404, 405, 405, 404, 404, 204},
     {200, 200, 405, 405, 200, 204, 204}},
    {"/api/v1/spaces/{guid}/files/{file}",
     {401, 401, 401, 405, 405, 405, 204},
     {404, 404, 404, 405, 405, 405, 204},
     {200, 200, 200, 405, 405, 405, 204}},
    {"/api/v1/spaces/{guid}/files/{upload}",
     {401, 401, 401, 405, 405, 405, 204},
     {404, 404, 404, 405, 405, 405, 204},
     {200, 200, 200, 405, 405, 405, 204}},
    {"/api/v1/spaces/{guid}/uploads/{upload}",
     {405, 405, 405, 405, 405, 401, 204},
     {405, 405, 405, 405, 405, 404, 204},
     {405, 405, 405, 405, 405, 204, 204}},
    {"/api/v1/spaces/{guid}/uploads/{file}",
     {405, 405, 405, 405, 405, 401, 204},
     {405, 405, 405, 405, 405, 404, 204},
     {405, 405, 405, 405, 405, 409, 204}},
    {"/api/v1/spaces/{guid}/deliveries/{delivery}",
     {405, 405, 405, 405, 405, 401, 204},
     {405, 405, 405, 405, 405, 404, 204},
     {405, 405, 405, 405, 405, 204, 204}},
    {"/api/v1/spaces/{guid}/deliveries/{sent}/receipt",
     {405, 405, 401, 405, 405, 405, 204},
     {405, 405, 404, 405, 405, 405, 204},
     {405, 405, 204, 405, 405, 405, 204}},
    {"/api/v1/spaces/{guid}/deliveries/{delivery}/receipt",
     {405, 405, 401, 405, 405, 405, 204},
     {405, 405, 404, 405, 405, 405, 204},
     {405, 405, 404, 405, 405, 405, 204}},
    {"/api/v1/spaces/{guid}/shares",
     {401, 401, 401, 405, 405, 401, 204},
     {404, 404, 404, 405, 405, 404, 204},
     {200, 200, 201, 405, 405, 204, 204}},
    {"/api/v1/spaces/{guid}/shares/{share}",
     {401, 401, 405, 405, 401, 401, 204},
     {404, 404, 405, 405, 404, 404, 204},
     {200, 200, 405, 405, 200, 204, 204}},
    {"/s/{guid}",
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204}},
    {"/d/{guid}",
     {404, 404, 405, 405, 405, 405, 204},
     {404, 404, 405, 405, 405, 405, 204},
     {404, 404, 405, 405, 405, 405, 204}},
    {"/d/{link}",
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204},
     {200, 200, 405, 405, 405, 405, 204}},
    {"/d/{link}/opened",
     {405, 405, 204, 405, 405, 405, 204},
     {405, 405, 204, 405, 405, 405, 204},
     {405, 405, 204, 405, 405, 405, 204}},
    {"/d/{link}/files/{file}",
     {200, 200, 200, 405, 405, 405, 204},
     {200, 200, 200, 405, 405, 405, 204},
     {200, 200, 200, 405, 405, 405, 204}},
    {"/d/{link}/files/{upload}",
     {404, 404, 404, 405, 405, 405, 204},
     {404, 404, 404, 405, 405, 405, 204},
     {404, 404, 404, 405, 405, 405, 204}},
    {"/d/{link}/all.zip",
     {200, 200, 200, 405, 405, 405, 204},
     {200, 200, 200, 405, 405, 405, 204},
     {200, 200, 200, 405, 405, 405, 204}},
    {"/d/{link}/else",
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404}},
    {"/u/{guid}",
     {200, 200, 201, 400, 405, 405, 204},
     {200, 200, 201, 400, 405, 405, 204},
     {200, 200, 201, 400, 405, 405, 204}},
    {"/u/{guid}/a.txt",
     {405, 405, 405, 201, 405, 405, 204},
     {405, 405, 405, 201, 405, 405, 204},
     {405, 405, 405, 201, 405, 405, 204}},
    {"/u/{guid}/{file}",
     {405, 405, 405, 201, 405, 405, 204},
     {405, 405, 405, 201, 405, 405, 204},
     {405, 405, 405, 201, 405, 405, 204}},
    {"/u/{guid}/uploads",
     {405, 405, 201, 201, 405, 405, 204},
     {405, 405, 201, 201, 405, 405, 204},
     {405, 405, 201, 201, 405, 405, 204}},
    {"/u/{guid}/uploads/{upload}",
     {405, 200, 405, 201, 204, 204, 204},
     {405, 200, 405, 201, 204, 204, 204},
     {405, 200, 405, 201, 204, 204, 204}},
    {"/u/{guid}/deliveries",
     {405, 405, 201, 201, 405, 405, 204},
     {405, 405, 201, 201, 405, 405, 204},
     {405, 405, 201, 201, 405, 405, 204}},
    {"/u/{guid}/deliveries/{delivery}",
     {200, 200, 405, 201, 405, 204, 204},
     {200, 200, 405, 201, 405, 204, 204},
     {200, 200, 405, 201, 405, 204, 204}},
    {"/u/{guid}/deliveries/{delivery}/commit",
     {405, 405, 200, 201, 405, 405, 204},
     {405, 405, 200, 201, 405, 405, 204},
     {405, 405, 200, 201, 405, 405, 204}},
    {"/u/{guid}/deliveries/{delivery}/files/x",
     {405, 405, 405, 202, 405, 405, 204},
     {405, 405, 405, 202, 405, 405, 204},
     {405, 405, 405, 202, 405, 405, 204}},
    {"/control/sweep",
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404}},
    {"/control/check",
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404}},
    {"/else",
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404},
     {404, 404, 404, 404, 404, 404, 404}},
};

serve::SiteOptions without_rate() {
  serve::SiteOptions options;
  options.create_rate = 0;
  return options;
}

// Nobody asks often enough to be refused for it.
std::string next_peer() {
  static unsigned count = 0;
  ++count;
  return "198.51." + std::to_string(count / 250) + "." + std::to_string(count % 250);
}

}  // namespace

TEST_CASE("every route, method and token: who may do what") {
  SiteWorld world(without_rate());
  const std::string wrong = bearer(Token::random());
  const Things another(world);
  const std::string untouched = wire::to_json(world.world.view(another.created));
  std::optional<Things> fresh;  // nothing was changed by a request before
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < methods.size(); ++i) {
      const std::pair<std::string, int> cells[] = {{"none", row.none.at(i)},
                                                   {"wrong", row.wrong.at(i)},
                                                   {"another's", row.wrong.at(i)},
                                                   {"owner", row.owner.at(i)}};
      for (const auto& [token, status] : cells) {
        if (!fresh) fresh.emplace(world);
        const Things things = *fresh;
        Asked asked = sound(methods[i], path_of(row.path, things.created.space.guid, things));
        if (token == "wrong") asked.headers.push_back({"Authorization", wrong});
        if (token == "another's") asked.headers.push_back({"Authorization", bearer(another.created.token)});
        if (token == "owner") asked.headers.push_back({"Authorization", bearer(things.created.token)});
        asked.peer = next_peer();
        INFO(methods[i] << ' ' << row.path << " with token: " << token);
        const Got got = world.ask(asked);
        if (got.status < 400 && methods[i] != "HEAD" && methods[i] != "OPTIONS") fresh.reset();
        CHECK(got.status == status);
        // A form has its token in its body, or had its right already, by its link.
        const bool form =
            methods[i] == "POST" && ((token == "none" && row.path.starts_with("/api/v1/spaces/{guid}/files/")) ||
                                     row.path == "/d/{link}/files/{upload}");
        if (status == 401 || status == 404 || status == 405) CHECK(got.took_body == form);
        CHECK(got.header("X-Content-Type-Options") == "nosniff");
        CHECK(got.header("Referrer-Policy") == "no-referrer");
        CHECK(got.header("Access-Control-Allow-Origin").empty());
      }
    }
  }
  CHECK(wire::to_json(world.world.view(another.created)) == untouched);
}

TEST_CASE("nothing is taken, told or changed of a space that is not there") {
  SiteWorld world(without_rate());
  const Things things(world);
  for (const Row& row : rows) {
    if (row.path.find("{guid}") == std::string::npos || row.path.starts_with("/s/")) continue;
    for (std::size_t i = 0; i < methods.size(); ++i) {
      Asked asked = sound(methods[i], path_of(row.path, Id::random(), things));
      asked.headers.push_back({"Authorization", bearer(things.created.token)});
      asked.peer = next_peer();
      INFO(methods[i] << ' ' << row.path);
      const Got got = world.ask(asked);
      const int known = row.owner.at(i);
      CHECK(got.status == (known == 405 || methods[i] == "OPTIONS" ? known : 404));
      CHECK_FALSE(got.took_body);
    }
  }
  CHECK(world.world.spaces->view(things.created.space.guid, things.created.token.text())->deliveries.size() == 1);
}

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

TEST_CASE("words and ids may be in any case, and the proxy's prefix may be there or not") {
  serve::SiteOptions options = without_rate();
  options.prefix = "/Files";
  SiteWorld world(options);
  const Things things(world);
  const std::string guid = to_upper_ascii(things.created.space.guid.text());
  for (const std::string& path : {"/U/" + guid, "/Files/U/" + guid, "/Files/u/" + guid + "/"}) {
    Asked asked;
    asked.path = path;
    CHECK(world.ask(asked).status == 200);
  }
  Asked asked;
  asked.path = "/API/V1/SPACES/" + guid;
  asked.headers.push_back({"Authorization", bearer(things.created.token)});
  CHECK(world.ask(asked).status == 200);
  asked.path = "/files/U/" + guid;
  CHECK(world.ask(asked).status == 404);
}

TEST_CASE("the owner's token is taken as bearer or as the password of curl -u") {
  SiteWorld world(without_rate());
  const Things things(world);
  const std::string token = things.created.token.text();
  const std::string path = "/api/v1/spaces/" + things.created.space.guid.text();
  for (const std::string& header : {"Bearer " + token, "bearer  " + token, "Basic " + to_base64(as_bytes(":" + token)),
                                    "Basic " + to_base64(as_bytes("me:" + token))}) {
    Asked asked;
    asked.path = path;
    asked.headers.push_back({"Authorization", header});
    CHECK(world.ask(asked).status == 200);
  }
  for (const std::string& header :
       {std::string(), std::string("Bearer"), std::string("Basic !"), "Token " + token, token}) {
    Asked asked;
    asked.path = path;
    asked.headers.push_back({"Authorization", header});
    CHECK(world.ask(asked).status == 401);
  }
}

TEST_CASE("a page of another site is refused, our own is not") {
  SiteWorld world(without_rate());
  const Things things(world);
  const auto status = [&](const std::string& origin) {
    Asked asked;
    asked.method = "POST";
    asked.path = "/api/v1/spaces";
    asked.body = "{}";
    asked.headers.push_back({"Origin", origin});
    return world.ask(asked).status;
  };
  CHECK(status("https://qrx.example.org") == 201);
  CHECK(status("https://qrx.example.org:443") == 201);
  for (const char* origin : {"https://evil.example", "https://qrx.example.org.evil.example",
                             "https://qrx.example.org:8443", "evil", "null", ""})
    CHECK(status(origin) == 403);
}

TEST_CASE("only the operator's socket can sweep and check") {
  SiteWorld world(without_rate());
  Asked asked;
  asked.method = "POST";
  asked.path = "/control/sweep";
  asked.control = true;
  CHECK(world.ask(asked).status == 200);
  asked.path = "/healthz";
  asked.method = "GET";
  CHECK(world.ask(asked).status == 404);
}

TEST_CASE("a link that was taken back, has expired or never was opens nothing, by any method") {
  SiteWorld world(without_rate());
  const Things things(world);
  const Guid& guid = things.created.space.guid;
  wire::CreateShares wish;
  wish.recipients = {"brief@example.org"};
  wish.expire = Seconds(10);
  const auto brief = world.shares.create(guid, things.created.token.text(), wish);
  REQUIRE(brief);
  REQUIRE(world.shares.revoke(guid, things.created.token.text(), things.share));
  world.world.clock.pass(Seconds(11));
  const std::pair<std::string, int> links[] = {{things.link, 410},
                                               {brief->shares.shares[0].link, 410},
                                               {Token::random().text(), 404},
                                               {things.created.token.text(), 404},
                                               {"mistyped", 404}};
  for (const auto& [link, status] : links)
    for (const char* rest : {"", "/opened", "/files/{file}", "/all.zip"})
      for (const char* method : {"GET", "HEAD", "POST"}) {
        Asked asked = sound(method, path_of("/d/" + link + rest, guid, things));
        INFO(method << ' ' << asked.path);
        const Got got = world.ask(asked);
        if (got.status == 405) continue;
        CHECK(got.status == status);
        CHECK_FALSE(got.took_body);
        CHECK(got.body.find(link) == std::string::npos);
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
