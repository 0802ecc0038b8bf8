#include "wire/json_line.h"

#include "base/bytes.h"
#include "base/text.h"
#include "wire/json_text.h"
#include "wire/limits.h"

namespace qrx::wire {
namespace {

std::string unit(unsigned value) {
  const std::uint8_t bytes[] = {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
  return "\\u" + to_hex(as_bytes(bytes));
}

// One whole character. What acts on a terminal or hides is written as JSON's escape of it, which loses nothing.
std::string quoted_character(std::string_view character) {
  const std::string escaped = escape_untrusted(character);
  if (escaped == character || !escaped.starts_with("\\U")) return escaped;  // \u202e is JSON's form, too
  // Beyond U+FFFF JSON knows only surrogate pairs (RFC 8259, 7).
  const auto value = static_cast<unsigned>(std::stoul(escaped.substr(2), nullptr, 16)) - 0x10000U;
  return unit(0xD800U + (value >> 10)) + unit(0xDC00U + (value & 0x3FFU));
}

// The length of the character of several bytes that `text` begins with; 0 when that is none.
// By trying: at most three lengths, and the one reader of UTF-8 stays the judge.
std::size_t character_length(std::string_view text) {
  for (std::size_t length = 2; length <= 4 && length <= text.size(); ++length)
    if (is_valid_utf8(text.substr(0, length))) return length;
  return 0;
}

// What stands in a JSON text as it is.
bool is_plain(char c) {
  return c >= ' ' && c < 0x7F && c != '"' && c != '\\';
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t plain = i;
    while (plain < text.size() && is_plain(text[plain])) ++plain;
    out += text.substr(i, plain - i);
    if (plain == text.size()) break;
    i = plain;
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x80) {
      out += unit(byte);
    } else if (const std::size_t length = character_length(text.substr(i)); length == 0) {
      out += "\xEF\xBF\xBD";
    } else {
      out += quoted_character(text.substr(i, length));
      i += length - 1;
    }
  }
  out += '"';
}

}  // namespace

JsonLine& JsonLine::member(std::string_view name, std::string_view value) {
  if (json_.size() > 1) json_ += ',';
  append_quoted(json_, name);
  json_ += ':';
  json_ += value;
  return *this;
}

JsonLine& JsonLine::text(std::string_view name, std::string_view value) {
  member(name, {});
  append_quoted(json_, value);
  return *this;
}

JsonLine& JsonLine::path(std::string_view name, std::string_view value) {
  text(name, value);
  if (is_valid_utf8(value)) return *this;
  std::string bytes;
  // Byte by byte, as no character can be told in it; the slashes stay, so that it is still a path.
  for (const char c : value) bytes += c == '/' ? "/" : percent_encode_segment(std::string_view(&c, 1));
  return text(std::string(name) + "_bytes", bytes);
}

JsonLine& JsonLine::number(std::string_view name, std::uint64_t value) {
  return member(name, std::to_string(value));
}

JsonLine& JsonLine::boolean(std::string_view name, bool value) {
  return member(name, value ? "true" : "false");
}

JsonLine& JsonLine::null(std::string_view name) {
  return member(name, "null");
}

Result<std::map<std::string, std::string>> read_json_line(std::string_view line) {
  if (line.size() > most_event_bytes) return fail(Kind::usage, "a line of more than 1 MiB is no event");
  const auto in = parse_object(line);
  if (!in) return tl::unexpected(in.error());
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : in->items()) {
    if (value.is_string())
      out[name] = value.get<std::string>();
    else if (value.is_number() || value.is_boolean())
      out[name] = dump(value);
  }
  return out;
}

}  // namespace qrx::wire
