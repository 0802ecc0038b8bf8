#include "unit/catch.h"

#include "http/chunked.h"
#include "http/framing.h"
#include "http/syntax.h"

using namespace qrx;
using namespace qrx::http;

namespace {

// The status that a request head is refused with; 0: it is sound.
int status_of(const std::string& head) {
  HeadScanner scanner;
  switch (scanner.scan(head)) {
    case HeadScanner::State::more:
      return -1;
    case HeadScanner::State::flawed:
      return scanner.flaw().status;
    case HeadScanner::State::complete:
      break;
  }
  const auto parsed = parse_request_head(std::string_view(head).substr(0, scanner.size()));
  return parsed ? 0 : parsed.error().status;
}

int with_headers(const std::string& headers, const std::string& method = "POST") {
  return status_of(method + " / HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n");
}

int request_line(const std::string& line) {
  return status_of(line + "\r\nHost: a\r\n\r\n");
}

RequestHead parse(const std::string& head) {
  const auto parsed = parse_request_head(head);
  REQUIRE(parsed);
  return *parsed;
}

struct Decoded {
  std::string body;
  std::size_t taken = 0;
  ChunkDecoder::State state = ChunkDecoder::State::more;
};

Decoded decode(std::string_view coded) {
  ChunkDecoder decoder;
  Decoded result;
  while (result.taken < coded.size()) {
    const auto step = decoder.next(as_bytes(coded.substr(result.taken)));
    result.taken += step.taken;
    result.body += as_text(step.data);
    result.state = step.state;
    if (step.state == ChunkDecoder::State::end || step.state == ChunkDecoder::State::broken) break;
  }
  return result;
}

bool is_broken(std::string_view coded) {
  return decode(coded).state == ChunkDecoder::State::broken;
}
bool is_whole(std::string_view coded) {
  return decode(coded).state == ChunkDecoder::State::end;
}

}  // namespace

TEST_CASE("a request head is taken apart") {
  const auto head = parse(
      "PUT /u/x/a%20b?c=d HTTP/1.1\r\nHost: qrx\r\nContent-Length: 12\r\nX-A:  b c \t\r\nExpect: 100-continue\r\n\r\n");
  CHECK(head.request.method == "PUT");
  CHECK(head.request.path == "/u/x/a%20b");
  CHECK(head.request.query == "c=d");
  CHECK(head.request.header("x-a") == std::string_view("b c"));
  CHECK_FALSE(head.request.header("x-b"));
  CHECK(head.request.has_body);
  CHECK(head.request.content_length == 12U);
  CHECK(head.expects_continue);
  CHECK(head.keep_alive);
}

TEST_CASE("one Host in HTTP/1.1, at most one in HTTP/1.0") {
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(status_of("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: [::1]:8460\r\n\r\n") == 0);
}

TEST_CASE("the length of a body is given once, in digits") {
  CHECK(with_headers("Content-Length: 5\r\n") == 0);
  CHECK(with_headers("Content-Length: 5\r\nContent-Length: 5\r\n") == 400);
  CHECK(with_headers("Content-Length: 5\r\nContent-Length: 6\r\n") == 400);
  for (const char* bad :
       {"5, 5", "-1", "+5", "0x5", "5 5", "", "5a", "18446744073709551616", "9223372036854775808", "1e3", "5;"})
    CHECK(with_headers("Content-Length: " + std::string(bad) + "\r\n") == 400);
  CHECK(with_headers("Content-Length: 9223372036854775807\r\n") == 0);
}

TEST_CASE("a body is chunked, or has a length, or is not there") {
  CHECK(with_headers("Transfer-Encoding: chunked\r\n") == 0);
  CHECK(with_headers("Transfer-Encoding: Chunked\r\n") == 0);
  CHECK(with_headers("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") == 400);
  CHECK(with_headers("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(with_headers("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  for (const char* bad : {"gzip", "gzip, chunked", "chunked, chunked", "identity", "", "xchunked", "chunked;q=1",
                          "\"chunked\"", "\vchunked"})
    CHECK(with_headers("Transfer-Encoding: " + std::string(bad) + "\r\n") == 400);
  CHECK(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") == 400);
  CHECK(with_headers("Transfer-Encoding : chunked\r\n") == 400);
  CHECK(with_headers("Transfer_Encoding: chunked\r\n") == 0);  // another name; the body is empty
  CHECK_FALSE(parse("POST / HTTP/1.1\r\nHost: a\r\n\r\n").request.has_body);
}

TEST_CASE("GET and HEAD have no body") {
  CHECK(with_headers("Content-Length: 5\r\n", "GET") == 400);
  CHECK(with_headers("Content-Length: 0\r\n", "GET") == 0);
  CHECK(with_headers("Transfer-Encoding: chunked\r\n", "HEAD") == 400);
  CHECK(with_headers("Content-Length: 5\r\n", "DELETE") == 0);
}

TEST_CASE("codings and expectations that are not ours are refused") {
  CHECK(with_headers("Content-Length: 5\r\nContent-Encoding: gzip\r\n") == 415);
  CHECK(with_headers("Content-Length: 5\r\nContent-Encoding: identity\r\n") == 0);
  CHECK(with_headers("Transfer-Encoding: chunked\r\nContent-Encoding: br\r\n") == 415);
  CHECK(with_headers("Content-Length: 5\r\nExpect: 200-ok\r\n") == 417);
  CHECK(with_headers("Content-Length: 5\r\nExpect: 100-Continue\r\n") == 0);
}

TEST_CASE("a request line is METHOD SP target SP version") {
  CHECK(request_line("GET / HTTP/1.1") == 0);
  for (const char* bad :
       {"GET /", "GET", "GET  / HTTP/1.1", "GET /  HTTP/1.1", " GET / HTTP/1.1", "GET / HTTP/1.1 ", "GET /a b HTTP/1.1",
        "GET / http/1.1", "GET / HTTP/1.1x", "GET\t/ HTTP/1.1", "GET / HTTP/11", "G(T / HTTP/1.1", "GET / HTTP/1.01"})
    CHECK(request_line(bad) == 400);
  for (const char* other : {"GET / HTTP/2.0", "GET / HTTP/1.2", "GET / HTTP/0.9", "PRI * HTTP/2.0"})
    CHECK(request_line(other) == 505);
  CHECK(request_line("CONNECT a:80 HTTP/1.1") == 405);
  CHECK(request_line("TRACE / HTTP/1.1") == 405);
  CHECK(request_line("BREW / HTTP/1.1") == 501);
  CHECK(request_line("get / HTTP/1.1") == 501);
}

TEST_CASE("a target is a path, or a whole address whose path it is") {
  CHECK(parse("GET http://other:80/a/b?c HTTP/1.1\r\nHost: a\r\n\r\n").request.path == "/a/b");
  CHECK(parse("GET HTTPS://other HTTP/1.1\r\nHost: a\r\n\r\n").request.path == "/");
  CHECK(parse("GET http://other?q HTTP/1.1\r\nHost: a\r\n\r\n").request.query == "q");
  for (const char* bad : {"ftp://a/", "//", "a/b", "http:///a", "http://u@a/b", "*", "/a#b", "http:/a"})
    CHECK((request_line("GET " + std::string(bad) + " HTTP/1.1") == 400) == (std::string(bad) != "//"));
  CHECK(request_line("OPTIONS * HTTP/1.1") == 0);
}

TEST_CASE("lines end in CR LF, hold no control bytes and are not folded") {
  CHECK(status_of("GET / HTTP/1.1\nHost: a\n\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\n\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\rHost: a\r\n\r\n") == 400);
  CHECK(with_headers("X: a\r\n b\r\n") == 400);
  CHECK(with_headers("X: a\r\n\tb\r\n") == 400);
  CHECK(with_headers(std::string("X: a\0b\r\n", 8)) == 400);
  CHECK(with_headers("X: a\x7f\r\n") == 400);
  CHECK(with_headers("X: a\tb\r\n") == 0);
  CHECK(with_headers("X: gr\xc3\xbc\xc3\x9f\r\n") == 0);
  CHECK(with_headers("X\x80: a\r\n") == 400);
  CHECK(with_headers(": a\r\n") == 400);
  CHECK(with_headers("no colon\r\n") == 400);
  CHECK(status_of("\x16\x03\x01\x02") == 400);  // TLS on a plain port
  CHECK(status_of("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
  CHECK(status_of("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n") == 400);
}

TEST_CASE("heads have limits, which show before the head is complete") {
  CHECK(status_of("GET /" + std::string(8170, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n") == 0);
  CHECK(status_of("GET /" + std::string(9000, 'a')) == 414);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(17000, 'a')) == 431);
  std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
  for (int i = 0; i < 63; ++i) many += "X: a\r\n";
  CHECK(status_of(many + "\r\n") == 0);
  CHECK(status_of(many + "X: a\r\n") == 431);
}

TEST_CASE("connections are kept by the rules of each version") {
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, Close\r\n\r\n").keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(parse("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
}

TEST_CASE("chunks come off a body, and what follows it stays") {
  const auto decoded = decode("5\r\nhello\r\n1;a=b\r\n,\r\n0006\r\n world\r\n0\r\nTrailer: x\r\n\r\nGET ");
  CHECK(decoded.state == ChunkDecoder::State::end);
  CHECK(decoded.body == "hello, world");
  CHECK(decoded.taken == std::string("5\r\nhello\r\n1;a=b\r\n,\r\n0006\r\n world\r\n0\r\nTrailer: x\r\n\r\n").size());
  CHECK(chunk_head(0x1f4) == "1f4\r\n");
}

TEST_CASE("what is not chunked coding is found out") {
  CHECK(is_whole("0\r\n\r\n"));
  for (const char* bad : {"\r\n",
                          "0x5\r\n",
                          "-5\r\n",
                          "+5\r\n",
                          " 5\r\n",
                          "5 \r\n",
                          "5\n",
                          "5\rhello",
                          "g\r\n",
                          "5\r\nhelloX",
                          "5\r\nhello\n",
                          "5\r\nhello\r0",
                          "0\r\n\n",
                          "0\r\nbad trailer\r\n\r\n",
                          "0\r\n: x\r\n\r\n",
                          "0\r\nA: b\n\r\n",
                          "00000000000000001\r\n",
                          "ffffffffffffffff\r\n",
                          "8000000000000000\r\n",
                          ";\r\n",
                          "5;a\x01\r\n"})
    CHECK(is_broken(bad));
  CHECK(is_broken("1;" + std::string(5000, 'x') + "\r\n"));
  CHECK(is_broken("0\r\n" + std::string(9000, 'x') + ": y\r\n"));
}

TEST_CASE("a response tells where its body ends") {
  using How = BodyFraming::How;
  const auto read = [](const std::string& head, std::string_view method = "GET") {
    return parse_response_head(head, method);
  };
  const auto sized = read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
  REQUIRE(sized);
  CHECK(sized->status == 200);
  CHECK(sized->body.how == How::length);
  CHECK(sized->body.length == 7);
  CHECK(sized->keep_alive);
  CHECK(read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", "HEAD")->body.how == How::none);
  CHECK(read("HTTP/1.1 204 No Content\r\n\r\n")->body.how == How::none);
  CHECK(read("HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n\r\n")->body.how == How::chunked);
  CHECK(read("HTTP/1.0 200 OK\r\n\r\n")->body.how == How::until_close);
  CHECK_FALSE(read("HTTP/1.1 200 OK\r\n\r\n")->keep_alive);
  CHECK_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nContent-Length: 7\r\n\r\n"));
  CHECK_FALSE(read("HTTP/1.1 200 OK\r\nContent-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n"));
  CHECK_FALSE(read("HTTP/2 200 OK\r\n\r\n"));
  CHECK_FALSE(read("HTTP/1.1 20 OK\r\n\r\n"));
  CHECK_FALSE(read("HTTP/1.1 2000 OK\r\n\r\n"));
  CHECK_FALSE(read("ICY 200 OK\r\n\r\n"));
}

TEST_CASE("a header of which there is one is refused when there are two") {
  for (const char* name : {"Authorization", "Range", "Content-Type", "Upload-Offset", "upload-length", "Origin"}) {
    INFO(name);
    const std::string line = std::string(name) + ": 0\r\n";
    const std::string start = "PATCH /u/x HTTP/1.1\r\nHost: x\r\n" + line;
    CHECK(parse_request_head(start + "\r\n"));
    const auto twice = parse_request_head(start + "A: b\r\n" + line + "\r\n");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().status == 400);
  }
  CHECK(parse_request_head(
      "GET / HTTP/1.1\r\nHost: x\r\nAccept: a\r\nAccept: b\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\n\r\n"));
}
