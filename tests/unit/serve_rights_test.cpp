// Who may do what: every route, method and token.
#include <algorithm>

#include "base/text.h"
#include "unit/serve_things.h"

using namespace qrx;
using namespace qrx::test;

namespace {

const std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

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
    {"/api/v1/spaces/{guid}/deliveries/{sent}/contents",
     {401, 401, 405, 405, 405, 401, 204},
     {404, 404, 405, 405, 405, 404, 204},
     {400, 400, 405, 405, 405, 409, 204}},
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

}  // namespace

TEST_CASE("every route, method and token: who may do what") {
  SiteWorld world(without_rate());
  const std::string wrong = bearer(Token::random());
  const Things another(world);
  const auto state_of = [&](const Things& things) {
    return wire::to_json(world.world.view(things.created), [](const Id& file) { return file.text(); });
  };
  const std::string untouched = state_of(another);
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
  CHECK(state_of(another) == untouched);
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
                                               {brief->shares.shares[0].token, 410},
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
