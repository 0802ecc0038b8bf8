// multipart/form-data (RFC 7578), read as it comes in: constant memory, strict, the same events however the bytes are
// split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace qrx::wire {

// The boundary of a Content-Type "multipart/form-data; boundary=…"; Kind::unsupported for another type, Kind::usage for
// a missing or malformed boundary.
Result<std::string> multipart_boundary(std::string_view content_type);

struct FormPart {
  std::string name;  // of the field
  // Present: a file; hostile. As filename* says it where there is one (RFC 8187), else filename. Without the
  // directories that old browsers on Windows put before it, and UTF-8 unless filename* says otherwise or it cannot be
  // (then it was Latin-1). An encoded word of mail ("=?UTF-8?B?...?=") is a name like any other: RFC 2047, 5 forbids it
  // within parameters, no browser sends one, nor does curl, and a file may be called so. Empty when the browser's field
  // was left empty; but a file whose name is empty can have bytes.
  std::optional<std::string> filename;
};

class FormEvents {
 public:
  virtual ~FormEvents() = default;
  // An error from any of these ends the reading and comes back from write().
  virtual Result<void> part_begins(const FormPart& part) = 0;
  virtual Result<void> part_bytes(ByteView bytes) = 0;  // never empty
  virtual Result<void> part_ends() = 0;
};

class FormReader {
 public:
  FormReader(std::string_view boundary, FormEvents& events);  // events outlive the reader

  Result<void> write(ByteView bytes);
  Result<void> finish() const;  // Kind::usage when the closing boundary is missing

 private:
  enum class State : std::uint8_t { first_delimiter, after_delimiter, head, body, closing_dash, end_of_line, epilogue };

  Result<std::size_t> take(std::string_view text);
  Result<std::size_t> take_body(std::string_view text);
  Result<void> take_head();
  Result<void> give(std::string_view text);

  FormEvents& events_;
  const std::string delimiter_;  // CRLF, two dashes, the boundary
  State state_ = State::first_delimiter;
  std::size_t matched_ = 0;  // bytes of delimiter_ seen at the end of what was written
  std::size_t parts_ = 0;
  std::string head_;
};

}  // namespace qrx::wire
