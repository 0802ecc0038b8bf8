#include "unit/catch.h"

#include "wire/multipart.h"

using namespace qrx;
using namespace qrx::wire;

namespace {

struct Recorder : FormEvents {
  std::string seen;
  Result<void> part_begins(const FormPart& part) override {
    seen += "[" + part.name + (part.filename ? "|" + *part.filename : "") + "]";
    return {};
  }
  Result<void> part_bytes(ByteView bytes) override {
    CHECK_FALSE(bytes.empty());
    seen += as_text(bytes);
    return {};
  }
  Result<void> part_ends() override {
    seen += ";";
    return {};
  }
};

// What was seen when the body comes in pieces of this size, or "!".
std::string read(std::string_view body, std::size_t piece, std::string_view boundary = "XX") {
  Recorder recorder;
  FormReader reader(boundary, recorder);
  for (std::size_t at = 0; at < body.size(); at += piece)
    if (!reader.write(as_bytes(body.substr(at, piece)))) return "!";
  return reader.finish() ? recorder.seen : "!";
}

std::string part(const std::string& head, const std::string& body) {
  return "--XX\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
}

}  // namespace

TEST_CASE("a form is the same however its bytes are split") {
  const std::string body =
      part("name=\"note\"", "hello") +
      part("name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain", "1\r\n--X\r\r\n--XY\r\n2") +
      part("name=\"f\"; filename=\"\"", "") + "--XX--\r\n";
  const std::string expected = "[note]hello;[f|a.txt]1\r\n--X\r\r\n--XY\r\n2;[f|];";
  for (std::size_t piece = 1; piece <= body.size(); ++piece) CHECK(read(body, piece) == expected);
}

TEST_CASE("file names come as browsers and curl write them") {
  CHECK(read(part("name=f; filename=\"a%22b.txt\"", "") + "--XX--", 7) == "[f|a\"b.txt];");
  CHECK(read(part("name=f; filename=\"a\\\"b.txt\"", "") + "--XX--", 7) == "[f|a\"b.txt];");
  CHECK(read(part("name=f; filename=\"100%25.txt\"", "") + "--XX--", 7) == "[f|100%25.txt];");
  CHECK(read(part("name=f; filename=\"=?UTF-8?B?YQ==?=.txt\"", "") + "--XX--", 7) == "[f|=?UTF-8?B?YQ==?=.txt];");
  CHECK(read(part("name=f; filename=\"dir\\a.txt\"", "") + "--XX--", 7) == "[f|dir\\a.txt];");
  CHECK(read(part("name=f; filename=\"C:\\dir\\a.txt\"", "") + "--XX--", 7) == "[f|a.txt];");  // Internet Explorer
  CHECK(read(part("name=f; filename=\"\xE4\xBD\xA0; x.jpg\"", "") + "--XX--", 7) == "[f|\xE4\xBD\xA0; x.jpg];");
}

TEST_CASE("malformed forms are refused") {
  const std::string good = part("name=\"f\"", "x") + "--XX--";
  REQUIRE(read(good, 5) == "[f]x;");
  for (const std::string& body :
       {std::string(), std::string("--XX"), "preamble\r\n" + good, std::string("--XY\r\n"), std::string("--XX\n"),
        std::string("--XX-x"), std::string("--XX --\r\n"), part("name=\"f\"", "x"), part("name=\"f\"", "x") + "--XX-",
        part("filename=\"f\"", "x") + "--XX--", part("name=\"f\"; name=\"g\"", "x") + "--XX--",
        part("name=\"f", "x") + "--XX--", std::string("--XX\r\nA: b\r\n\r\nx\r\n--XX--"),
        std::string("--XX\r\n\r\nx\r\n--XX--"),
        std::string("--XX\r\nContent-Disposition: attachment; name=f\r\n\r\nx\r\n--XX--"),
        std::string("--XX\r\nContent Disposition: form-data; name=f\r\n\r\nx\r\n--XX--"),
        part("name=f\r\nContent-Transfer-Encoding: base64", "eA==") + "--XX--",
        part("name=f\r\nContent-Disposition: form-data; name=g", "x") + "--XX--",
        part("name=f\r\nA: " + std::string(9000, 'a'), "x") + "--XX--"}) {
    CHECK(read(body, 3) == "!");
    CHECK(read(body, body.size() + 1) == "!");
  }
}

TEST_CASE("what follows the closing boundary is ignored") {
  CHECK(read(part("name=\"f\"", "x") + "--XX--\r\nepilogue --XX", 4) == "[f]x;");
}

TEST_CASE("the boundary comes from the content type") {
  CHECK(multipart_boundary("multipart/form-data; boundary=----WebKitFormBoundaryA1") == "----WebKitFormBoundaryA1");
  CHECK(multipart_boundary("Multipart/Form-Data; charset=utf-8; Boundary=\"a b:c\"") == "a b:c");
  CHECK(multipart_boundary("text/plain").error().kind == Kind::unsupported);
  for (const std::string& type :
       {std::string("multipart/form-data"), std::string("multipart/form-data; boundary="),
        std::string("multipart/form-data; boundary=\"a"), std::string("multipart/form-data; boundary=a; boundary=b"),
        "multipart/form-data; boundary=" + std::string(71, 'a'), std::string("multipart/form-data; boundary=\"a \""),
        std::string("multipart/form-data; boundary=\"a\r\nb\"")})
    CHECK(multipart_boundary(type).error().kind == Kind::usage);
}
