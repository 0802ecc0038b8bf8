#include "http/chunked.h"

#include <algorithm>
#include <charconv>

#include "http/syntax.h"

namespace qrx::http {
namespace {

constexpr std::size_t most_extension_bytes = 4096;  // in a whole body: nobody uses them
constexpr std::size_t most_trailer_bytes = 8192;

}  // namespace

std::string chunk_head(std::uint64_t size) {
  char text[20];
  // 64 bits have at most 16 hex digits.
  const auto end = std::to_chars(text, text + 16, size, 16).ptr;
  return std::string(text, end) + "\r\n";
}

bool ChunkDecoder::broken(const char* what) {
  flaw_ = {400, what};
  place_ = Place::broken;
  return false;
}

bool ChunkDecoder::take_size(char c) {
  unsigned value = 16;
  if (is_digit(c))
    value = static_cast<unsigned>(c - '0');
  else if (c >= 'a' && c <= 'f')
    value = static_cast<unsigned>(c - 'a') + 10;
  else if (c >= 'A' && c <= 'F')
    value = static_cast<unsigned>(c - 'A') + 10;
  if (value < 16) {
    // Leading zeros count too, or a size could be endless.
    if (++digits_ > 16) return broken("a chunk size that is too long");
    left_ = (left_ << 4) | value;
    if (left_ > INT64_MAX) return broken("a chunk size that is too large");  // it must fit off_t
    return true;
  }
  if (digits_ == 0) return broken("a chunk without a size");
  if (c == '\r')
    place_ = Place::size_lf;
  else if (c == ';')
    place_ = Place::extension;
  else
    return broken("a chunk size that is not a number");
  return true;
}

// The lines between the last chunk and the empty line. What they say is dropped, but they must be sound: a line that
// two parties read differently could hide another message.
bool ChunkDecoder::take_trailer(char c) {
  switch (place_) {
    case Place::line_start:
      if (!is_token_byte(c)) return broken("a malformed trailer");
      place_ = Place::trailer_name;
      break;
    case Place::trailer_name:
      if (c == ':')
        place_ = Place::trailer_value;
      else if (!is_token_byte(c))
        return broken("a malformed trailer");
      break;
    case Place::trailer_value:
      if (c == '\r')
        place_ = Place::trailer_lf;
      else if (!is_field_byte(c))
        return broken("a control byte in a trailer");
      break;
    default:  // trailer_lf
      if (c != '\n') return broken("a trailer without its line end");
      place_ = Place::line_start;
      break;
  }
  if (++trailer_bytes_ > most_trailer_bytes) return broken("trailers that are too long");
  return true;
}

// Stricter than RFC 9112 allows a reader to be: no bare LF, no blanks before the line end. What others read differently
// is how requests are smuggled.
bool ChunkDecoder::take(char c) {
  switch (place_) {
    case Place::size:
      return take_size(c);
    case Place::extension:
      if (c == '\r') {
        place_ = Place::size_lf;
        return true;
      }
      if (!is_field_byte(c)) return broken("a control byte in a chunk extension");
      if (++extension_bytes_ > most_extension_bytes) return broken("chunk extensions that are too long");
      return true;
    case Place::size_lf:
      if (c != '\n') return broken("a chunk size without its line end");
      place_ = left_ > 0 ? Place::data : Place::line_start;
      return true;
    case Place::data_cr:
      if (c != '\r') return broken("a chunk that is longer than its size");
      place_ = Place::data_lf;
      return true;
    case Place::data_lf:
      if (c != '\n') return broken("a chunk that is longer than its size");
      place_ = Place::size;
      digits_ = 0;
      left_ = 0;
      return true;
    case Place::line_start:
      if (c != '\r') return take_trailer(c);
      place_ = Place::end_lf;
      return true;
    case Place::trailer_name:
    case Place::trailer_value:
    case Place::trailer_lf:
      return take_trailer(c);
    case Place::end_lf:
      if (c != '\n') return broken("a chunked body without its line end");
      place_ = Place::end;
      return true;
    case Place::data:
    case Place::end:
    case Place::broken:
      break;
  }
  return false;
}

// Data are given back where they lie; only the framing around them is looked at byte by byte.
ChunkDecoder::Step ChunkDecoder::next(ByteView input) {
  std::size_t taken = 0;
  for (;;) {
    if (place_ == Place::end) return {State::end, taken, {}};
    if (place_ == Place::broken) return {State::broken, taken, {}};
    if (taken == input.size()) return {State::more, taken, {}};
    if (place_ == Place::data) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - taken));
      left_ -= size;
      if (left_ == 0) place_ = Place::data_cr;
      return {State::data, taken + size, input.subspan(taken, size)};
    }
    if (take(static_cast<char>(input[taken]))) ++taken;
  }
}

}  // namespace qrx::http
