#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace qrx {
namespace {

// Characters that print nothing or change what stands around them: C0, C1, soft hyphen, Arabic letter mark, zero
// width and bidi marks, separators, invisible operators, variation selectors, the byte order mark, tags.
bool is_invisible(char32_t c) {
  struct Range {
    char32_t first, last;
  };
  static constexpr Range ranges[] = {{0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},      {0x34F, 0x34F},
                                     {0x61C, 0x61C},     {0x115F, 0x1160},   {0x17B4, 0x17B5},  {0x180B, 0x180F},
                                     {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},  {0x3164, 0x3164},
                                     {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},  {0xFFF0, 0xFFFB},
                                     {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// Not std::tolower and the like: they depend on the locale.
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte_at(0);
  // RFC 3629: 80 to C1 and F5 to FF begin no character.
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xC2 ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 1) {
    text.remove_prefix(1);
    return lead;
  }
  static constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  bool is_right = length > 0 && length <= text.size();
  char32_t value = lead & (0x7FU >> length);
  for (std::size_t i = 1; is_right && i < length; ++i) {
    is_right = (byte_at(i) & 0xC0U) == 0x80U;
    value = (value << 6) | (byte_at(i) & 0x3FU);
  }
  // Overlong forms and surrogates: other readers of the same bytes would see other characters, which is how names pass
  // a check that they should not.
  is_right = is_right && value >= least[length] && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
  text.remove_prefix(is_right ? length : 1);
  return is_right ? std::optional(value) : std::nullopt;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty())
    if (!take_code_point(text)) return false;
  return true;
}

std::string escape_untrusted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const auto c = take_code_point(text);
    // A terminal would obey some of these: each is shown as its byte in hexadecimal.
    if (!c || *c < 0x20 || *c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(before[0]));
    } else if (is_invisible(*c)) {
      const auto value = static_cast<unsigned>(*c);
      out += value > 0xFFFF ? fmt::format("\\U{:08x}", value) : fmt::format("\\u{:04x}", value);
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string to_lower_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

std::string to_upper_ascii(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), upper);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string in_plain_letters(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t c = take_code_point(text).value_or(U'\0');
    const auto within = [c](char32_t first, char32_t last) { return c >= first && c <= last; };
    if (c == 0xA0 || within(0x2000, 0x200A) || c == 0x202F || c == 0x3000) {
      out += ' ';
    } else if (within(0x2010, 0x2015) || c == 0x2212) {
      out += '-';
    } else if (within(0x200B, 0x200F) || within(0x202A, 0x202C) || c == 0x2060 || within(0x2066, 0x2069) ||
               c == 0xFEFF) {
      // Zero width, marks of direction: they go. Not the overrides, which deceive.
    } else if (within(0xFF01, 0xFF5E)) {
      out += static_cast<char>('!' + (c - 0xFF01));
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  out.reserve(text.size());
  const auto digit = [](char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return false;
    const int high = digit(text[i + 1]);
    const int low = digit(text[i + 2]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return true;
}

std::string percent_encode_segment(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const char l = lower(c);
    if ((l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace qrx
