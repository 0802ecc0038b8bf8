// Uploads by the tus protocol.

#include "unit/serve_desk.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("tus: an upload in several requests") {
  Desk desk;
  const Got made =
      desk.drop("POST", "/uploads/", {tus, {"Upload-Length", "6"}, {"Upload-Metadata", "filename YS50eHQ="}});
  CHECK(made.status == 201);
  CHECK(made.header("Tus-Resumable") == "1.0.0");
  CHECK_FALSE(made.header("Upload-Expires").empty());
  const std::string at = "/uploads" + id_in(made.header("Location"));
  CHECK(made.header("Location") == "/u/" + desk.guid().text() + at);
  const auto offset = [&] { return desk.drop("HEAD", at, {tus}).header("Upload-Offset"); };
  CHECK(offset() == "0");
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "0"}}, "abc").header("Upload-Offset") == "3");
  CHECK(offset() == "3");
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "0"}}, "abc").status == 409);
  for (const char* wrong : {"-1", "x", "", "99999999999999999999", "3 "}) {
    if (std::string(wrong) == "3 ") continue;  // the front trims values
    CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", wrong}}, "def").status == 400);
  }
  CHECK(desk.drop("PATCH", at, {tus, {"Upload-Offset", "3"}}, "def").status == 415);
  CHECK(desk.drop("PATCH", at, {chunk, {"Upload-Offset", "3"}}, "def").status == 412);
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "3"}}, "defg").status == 413);
  const Got done =
      desk.drop("POST", at, {tus, chunk, {"Upload-Offset", "3"}, {"X-HTTP-Method-Override", "PATCH"}}, "def");
  CHECK(done.status == 204);
  CHECK(done.header("Qrx-Xxh128").size() == 32);
  CHECK(offset() == "6");
  CHECK(desk.info().deliveries.at(0).files.at(0).name == "a.txt");
  CHECK(desk.drop("DELETE", at, {tus}).status == 403);
}

TEST_CASE("tus: creation with bytes, without a length, of nothing, and malformed") {
  Desk desk;
  const Got whole = desk.drop("POST", "/uploads", {tus, chunk, {"Upload-Length", "3"}}, "abc");
  CHECK(whole.status == 201);
  CHECK(whole.header("Upload-Offset") == "3");
  CHECK(whole.header("Qrx-Xxh128").size() == 32);
  CHECK(desk.drop("POST", "/uploads", {tus, {"Upload-Length", "0"}}).header("Qrx-Xxh128").size() == 32);
  CHECK(desk.info().deliveries.size() == 2);

  const std::string at =
      "/uploads" + id_in(desk.drop("POST", "/uploads", {tus, {"Upload-Defer-Length", "1"}}).header("Location"));
  CHECK(desk.drop("HEAD", at, {tus}).header("Upload-Defer-Length") == "1");
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "0"}}, "ab").status == 204);
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "2"}, {"Upload-Length", "4"}}, "c").status == 204);
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "3"}, {"Upload-Length", "5"}}, "d").status == 400);
  CHECK(desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "3"}}, "d").header("Qrx-Xxh128").size() == 32);

  using Headers = std::vector<http::Header>;
  for (const Headers& headers :
       {Headers{}, Headers{{"Upload-Length", "x"}}, Headers{{"Upload-Length", "-1"}},
        Headers{{"Upload-Defer-Length", "2"}}, Headers{{"Upload-Length", "1"}, {"Upload-Defer-Length", "1"}},
        Headers{{"Upload-Length", "1"}, {"Upload-Metadata", "a b c"}},
        Headers{{"Upload-Length", "1"}, {"Upload-Metadata", "filename Li4vLi4="}},  // ../..
        Headers{{"Upload-Length", "1"}, {"Upload-Metadata", "delivery eA=="}},
        Headers{{"Upload-Length", "1"}, {"Upload-Concat", "both"}}}) {
    Headers all = headers;
    all.push_back(tus);
    CHECK(desk.drop("POST", "/uploads", all).status == 400);
  }
  CHECK(desk.drop("POST", "/uploads", {{"Upload-Length", "1"}, {"Tus-Resumable", "0.2.2"}}).status == 412);
  CHECK(desk.drop("POST", "/uploads", {tus, {"Upload-Length", "3"}}, "abc").status == 415);
  CHECK(desk.drop("POST", "/uploads", {tus, chunk, {"Upload-Length", "2"}}, "abc").status == 413);
}

TEST_CASE("tus: a wrong checksum takes nothing") {
  Desk desk;
  const std::string at =
      "/uploads" + id_in(desk.drop("POST", "/uploads", {tus, {"Upload-Length", "3"}}).header("Location"));
  const auto patch = [&](const std::string& checksum) {
    return desk.drop("PATCH", at, {tus, chunk, {"Upload-Offset", "0"}, {"Upload-Checksum", checksum}}, "abc").status;
  };
  CHECK(patch("sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA=") == 460);
  CHECK(desk.drop("HEAD", at, {tus}).header("Upload-Offset") == "0");
  CHECK(patch("crc32 AAAAAA==") == 400);
  CHECK(patch("sha1 !") == 400);
  CHECK(patch("sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=") == 204);
}

TEST_CASE("tus: parts become one upload") {
  Desk desk;
  std::string parts = "final;";
  for (const char* bytes : {"hel", "lo"}) {
    const Got part = desk.drop(
        "POST", "/uploads",
        {tus, chunk, {"Upload-Length", std::to_string(std::string(bytes).size())}, {"Upload-Concat", "partial"}},
        bytes);
    REQUIRE(part.status == 201);
    CHECK(desk.drop("HEAD", "/uploads" + id_in(part.header("Location")), {tus}).header("Upload-Concat") == "partial");
    parts += "https://qrx.example.org" + part.header("Location") + " ";
  }
  CHECK(desk.info().deliveries.empty());
  CHECK(desk.drop("POST", "/uploads", {tus, {"Upload-Concat", parts}, {"Upload-Length", "5"}}).status == 400);
  const Got whole =
      desk.drop("POST", "/uploads", {tus, {"Upload-Concat", parts}, {"Upload-Metadata", "filename aGk="}});
  CHECK(whole.status == 201);
  CHECK(whole.header("Qrx-Xxh128").size() == 32);
  CHECK(desk.owner("/files" + id_in(whole.header("Location"))).body == "hello");
  CHECK(desk.drop("POST", "/uploads", {tus, {"Upload-Concat", "final;/u/x/uploads/y"}}).status == 400);
}

TEST_CASE("tus: what the server can do") {
  Desk desk(with_limits(1000, 0));
  const Got got = desk.drop("OPTIONS", "/uploads");
  CHECK(got.status == 204);
  CHECK(got.header("Tus-Version") == "1.0.0");
  CHECK(got.header("Tus-Max-Size") == "1000");
  CHECK(got.header("Tus-Extension").find("concatenation") != std::string::npos);
  CHECK(got.header("Tus-Checksum-Algorithm").find("sha1") != std::string::npos);
}
