// The heads of HTTP messages as both sides and the routes see them: no sockets, no framing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace qrx::http {

struct Header {
  std::string name;
  std::string value;
};

// The value of the first header of that name (names compare without case), or nothing.
std::optional<std::string_view> find_header(const std::vector<Header>& headers, std::string_view name);

// The head of a request whose framing was found sound. Lives as long as its exchange.
struct Request {
  std::string method;           // upper case: GET HEAD POST PUT PATCH DELETE OPTIONS; others never reach a handler
  std::string path;             // as sent, still percent-encoded; starts with '/'; no query
  std::string query;            // without '?'; empty when there is none
  std::vector<Header> headers;  // in order, values trimmed
  std::string peer;       // address of the client: the socket's, or what a trusted proxy says; empty for Unix sockets
  bool by_proxy = false;  // came in by a trusted proxy, or by a Unix socket: Host is what that says
  bool control = false;   // came in by the control socket: the operator of this machine
  bool has_body = false;
  std::optional<std::uint64_t> content_length;  // absent with has_body: chunked

  std::optional<std::string_view> header(std::string_view name) const;  // as find_header()
};

struct Answer {
  int status = 200;
  std::string type;  // Content-Type; empty: none
  std::string body;
  std::vector<Header> headers;  // without framing headers, which are the front's business
  bool close = false;           // close the connection after it
};

}  // namespace qrx::http
