// The bytes of heads, whole: clients, caches and proxies have seen exactly these from the first release on.
#include "http/answer_head.h"

#include <regex>

#include "unit/catch.h"

using namespace qrx::http;

namespace {

std::string without_date(const std::string& bytes) {
  static const std::regex date("\r\nDate: [A-Z][a-z]{2}, \\d\\d [A-Z][a-z]{2} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT\r\n");
  CHECK(std::regex_search(bytes, date));
  return std::regex_replace(bytes, date, "\r\n<date>\r\n");
}

std::string rendered(std::string_view method, const Answer& answer, Persistence persistence = Persistence::keep_alive) {
  return without_date(render_answer(method, answer, persistence));
}

Answer with_fields() {
  Answer answer;
  answer.type = "text/html; charset=utf-8";
  answer.body = "hello";
  answer.headers = {{"X-Zed", "1"},
                    {"Vary", "A"},
                    {"cache-control", "no-store"},
                    {"Cache-Control", "private"},
                    {"Set-Cookie", "b"},
                    {"Set-Cookie", "a"},
                    {"Empty", ""},
                    {"Accept-Ranges", "bytes"},
                    {"Location", "/x"}};
  return answer;
}

const std::string fields =
    "Accept-Ranges: bytes\r\n"
    "cache-control: no-store\r\n"
    "Cache-Control: private\r\n"
    "Content-Type: text/html; charset=utf-8\r\n"
    "Empty: \r\n"
    "Location: /x\r\n"
    "Set-Cookie: b\r\n"
    "Set-Cookie: a\r\n"
    "Vary: A\r\n"
    "X-Zed: 1\r\n";

}  // namespace

TEST_CASE("a whole answer: fields by name, then length, date and connection") {
  CHECK(rendered("GET", with_fields()) == "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 5\r\n<date>\r\n\r\nhello");
  CHECK(rendered("HEAD", with_fields(), Persistence::close) ==
        "HTTP/1.1 200 OK\r\n" + fields + "Content-Length: 5\r\n<date>\r\nConnection: close\r\n\r\n");
  Answer plain;
  plain.body = "hello";
  CHECK(rendered("POST", plain, Persistence::keep_alive_1_0) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n<date>\r\nConnection: keep-alive\r\n\r\nhello");
}

TEST_CASE("204 and 304 have neither length nor body") {
  Answer answer;
  answer.status = 204;
  answer.body = "never sent";
  CHECK(rendered("DELETE", answer) == "HTTP/1.1 204 No Content\r\n<date>\r\n\r\n");
  answer.status = 304;
  answer.type = "x/y";
  CHECK(rendered("HEAD", answer) == "HTTP/1.1 304 Not Modified\r\nContent-Type: x/y\r\n<date>\r\n\r\n");
  CHECK(without_date(render_head(answer, {7, true}, Persistence::keep_alive)) ==
        "HTTP/1.1 304 Not Modified\r\nContent-Type: x/y\r\n<date>\r\n\r\n");
}

TEST_CASE("no field of an answer can split it or contradict its framing") {
  Answer answer;
  answer.status = 410;
  answer.type = "c/d\r\nX-Evil: 1";
  answer.headers = {
      {"Bad\r\n", "x"},        {"Bad", "x\r\ny"},    {"Bad name", "x"},   {"", "x"},
      {"content-length", "9"}, {"Connection", "x"},  {"Keep-Alive", "x"}, {"Transfer-Encoding", "chunked"},
      {"Content-Type", "a/b"}, {"DATE", "yesterday"}};
  CHECK(rendered("GET", answer) == "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n<date>\r\n\r\n");
}

TEST_CASE("a body from a source has its length, chunks, or the end of the connection") {
  Answer head;
  head.status = 206;
  head.body = "ignored";
  CHECK(without_date(render_head(head, {std::uint64_t{1} << 40, false}, Persistence::keep_alive)) ==
        "HTTP/1.1 206 Partial Content\r\nContent-Length: 1099511627776\r\n<date>\r\n\r\n");
  CHECK(without_date(render_head(head, {std::nullopt, true}, Persistence::keep_alive)) ==
        "HTTP/1.1 206 Partial Content\r\nTransfer-Encoding: chunked\r\n<date>\r\n\r\n");
  CHECK(without_date(render_head(head, {std::nullopt, false}, Persistence::close)) ==
        "HTTP/1.1 206 Partial Content\r\n<date>\r\nConnection: close\r\n\r\n");
}

TEST_CASE("statuses have the reason phrases that they always had") {
  CHECK(reason_phrase(200) == "OK");
  CHECK(reason_phrase(413) == "Payload Too Large");
  CHECK(reason_phrase(416) == "Range Not Satisfiable");
  CHECK(reason_phrase(422) == "Unprocessable Entity");
  CHECK(reason_phrase(460) == "Checksum Mismatch");
  CHECK(reason_phrase(507) == "Insufficient Storage");
  CHECK(reason_phrase(299) == "Unknown");
}
