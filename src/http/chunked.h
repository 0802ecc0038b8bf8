// The chunked coding of bodies (RFC 9112, 7.1), for both sides: pure functions of bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "http/flaw.h"

namespace qrx::http {

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
  // One byte of the coding, not of the data. False: broken.
  bool take(char byte);
  bool take_size(char byte);
  bool take_trailer(char byte);
  bool broken(const char* what);  // false

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

}  // namespace qrx::http
