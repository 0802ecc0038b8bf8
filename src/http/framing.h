// What is a sound HTTP/1.x message and what is not: heads and chunked bodies as pure functions of bytes, for both
// sides.
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

#include "base/bytes.h"
#include "base/result.h"
#include "http/message.h"

namespace qrx::http {

// What is wrong with a message. `status` answers a request (400, 405, 414, 415, 417, 431, 501, 505); it means nothing
// for a response.
struct Flaw {
  int status = 400;
  const char* what = "";  // a part of a sentence: "two Host headers"
};

template <class T>
using Framed = tl::expected<T, Flaw>;

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
  std::optional<std::string_view> header(std::string_view name) const;  // the first of that name, any case
};

// The method of the request decides with the status whether there is a body at all.
Framed<ResponseHead> parse_response_head(std::string_view head, std::string_view request_method);

// Takes the chunked coding off a body. Chunk sizes are 1 to 16 hex digits; extensions and trailers are bounded, checked
// for control bytes and dropped.
class ChunkDecoder {
 public:
  enum class State : std::uint8_t {
    more,    // everything given was taken; nothing for the body in it
    data,    // `data` are the next bytes of the body
    end,     // the body and its trailers are complete; what was not taken is the next message's
    broken,  // not chunked coding: see flaw()
  };
  struct Step {
    State state;
    std::size_t taken;  // bytes of the input that are done with, `data` included
    ByteView data;      // a part of the input
  };

  // Call again with the rest of the input after `data`. `end` and `broken` stay.
  Step next(ByteView input);
  const Flaw& flaw() const { return flaw_; }

 private:
  enum class Place : std::uint8_t {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    line_start,
    trailer_name,
    trailer_value,
    trailer_lf,
    end_lf,
    end,
    broken
  };
  bool take(char byte);

  Place place_ = Place::size;
  Flaw flaw_;
  unsigned digits_ = 0;
  std::uint64_t left_ = 0;
  std::size_t extension_bytes_ = 0;  // in the whole body
  std::size_t trailer_bytes_ = 0;
};

// The head of one chunk: "1f4\r\n". Its data is followed by "\r\n"; the last chunk is "0\r\n\r\n".
std::string chunk_head(std::uint64_t size);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

// Strict decimal: digits only, at most 2^63 - 1.
std::optional<std::uint64_t> parse_content_length(std::string_view text);
bool is_token(std::string_view text);        // RFC 9110: 1 or more of letters, digits and !#$%&'*+-.^_`|~
bool is_field_value(std::string_view text);  // no control bytes but tab, so no CR or LF; may be empty
bool lists_token(std::string_view list, std::string_view token);  // "a, b ,c" has "b"; any case

}  // namespace qrx::http
