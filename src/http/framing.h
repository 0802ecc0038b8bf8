// What is a sound head of an HTTP/1.x message and where its body ends: pure functions of bytes, for both sides.
//
// Everything doubtful is a flaw, and after a flaw the connection is closed: two parties who disagree about where a
// message ends are how requests are smuggled. No result depends on how the bytes were split into packets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/flaw.h"
#include "http/message.h"

namespace qrx::http {

struct HeadLimits {
  std::size_t line_bytes = 8192;   // the first line, without its CR LF
  std::size_t head_bytes = 16384;  // everything up to and with the blank line
  std::size_t headers = 64;
};

// Finds the end of a head in a buffer that grows, looking at each byte once. It stops at the first byte that no sound
// head has (bare CR or LF, a control byte, a folded line, over a limit).
class HeadScanner {
 public:
  enum class State : std::uint8_t { more, complete, flawed };

  explicit HeadScanner(const HeadLimits& limits = {}) : limits_(limits) {}
  // `buffer` starts with the first byte of the head and holds at least what it held before; bytes after the head are
  // not looked at.
  State scan(std::string_view buffer);
  State state() const { return state_; }
  std::size_t size() const { return at_; }  // complete: the head's bytes, blank line included
  const Flaw& flaw() const { return flaw_; }
  void reset();  // for the next head

 private:
  State stop(int status, const char* what);

  HeadLimits limits_;
  Flaw flaw_;
  std::size_t at_ = 0;  // the next byte to look at
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;  // whole lines so far
  bool after_cr_ = false;
  State state_ = State::more;
};

struct RequestHead {
  Request request;  // peer and control are left to the front; has_body is false for Content-Length: 0
  bool keep_alive = false;
  bool expects_continue = false;
  bool http_1_0 = false;
};

// `head` is a complete head as HeadScanner found it. Refused with their own status: methods that are not ours (405 for
// CONNECT and TRACE, else 501), versions (505), codings of the body (415), expectations (417).
Framed<RequestHead> parse_request_head(std::string_view head);

// Where the body of a response ends.
struct BodyFraming {
  enum class How : std::uint8_t { none, length, chunked, until_close };
  How how = How::none;
  std::uint64_t length = 0;  // with How::length; may be 0
};

struct ResponseHead {
  int status = 0;               // 100 to 599; the client skips 1xx heads (but 101) itself
  std::vector<Header> headers;  // in order, values trimmed
  bool keep_alive = false;      // false too when the body goes until close
  BodyFraming body;
};

// The method of the request decides with the status whether there is a body at all.
Framed<ResponseHead> parse_response_head(std::string_view head, std::string_view request_method);

}  // namespace qrx::http
