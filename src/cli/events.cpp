#include "cli/events.h"

#include <fmt/format.h>

#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "base/write_all.h"

namespace qrx::cli {

namespace {

// One whole character. What acts on a terminal or hides is written as JSON's escape of it, which loses nothing.
std::string json_character(std::string_view character) {
  const std::string escaped = escape_untrusted(character);
  if (escaped == character || !escaped.starts_with("\\U")) return escaped;  // \u202e is JSON's form, too
  const auto value = static_cast<unsigned>(std::stoul(escaped.substr(2), nullptr, 16)) - 0x10000U;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xD800U + (value >> 10), 0xDC00U + (value & 0x3FFU));
}

}  // namespace

std::string json_quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\u{:04x}", byte);
    } else if (byte < 0x80) {
      out += c;
    } else {
      std::size_t length = 1;
      for (std::size_t n = 2; n <= 4 && i + n <= text.size(); ++n)
        if (is_valid_utf8(text.substr(i, n))) {
          length = n;
          break;
        }
      if (length == 1) {
        out += "\xEF\xBF\xBD";
      } else {
        out += json_character(text.substr(i, length));
        i += length - 1;
      }
    }
  }
  return out += '"';
}

Event::Event(std::string_view name) : json_("{\"v\":1") {
  text("event", name);
}

void Event::member(std::string_view name) {
  json_ += "," + json_quoted(name) + ":";
}

Event& Event::text(std::string_view name, std::string_view value) {
  member(name);
  json_ += json_quoted(value);
  return *this;
}

Event& Event::path(std::string_view name, std::string_view value) {
  text(name, value);
  if (is_valid_utf8(value)) return *this;
  std::string bytes;
  for (const char c : value) bytes += c == '/' ? "/" : percent_encode_segment(std::string_view(&c, 1));
  return text(std::string(name) + "_bytes", bytes);
}

Event& Event::number(std::string_view name, std::uint64_t value) {
  member(name);
  json_ += std::to_string(value);
  return *this;
}

Event& Event::boolean(std::string_view name, bool value) {
  member(name);
  json_ += value ? "true" : "false";
  return *this;
}

Event& Event::null(std::string_view name) {
  member(name);
  json_ += "null";
  return *this;
}

std::string Event::line() const {
  return json_ + "}\n";
}

Result<void> Facts::event(const Event& event) {
  return json_ ? put(event.line()) : Result<void>{};
}

Result<void> Facts::line(std::string_view text, char end) {
  return json_ ? Result<void>{} : put(std::string(text) + end);
}

Result<void> Facts::data(std::string_view bytes) {
  return json_ ? Result<void>{} : put(std::string(bytes));
}

Result<void> Facts::put(const std::string& line) {
  if (!closed_ && write_all(STDOUT_FILENO, line)) return {};
  if (closed_ || errno == EPIPE) {
    closed_ = true;
    return fail(Kind::other, "standard output was closed");
  }
  return fail_errno("cannot write to standard output");
}

}  // namespace qrx::cli
