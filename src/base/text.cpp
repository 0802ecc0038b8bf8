#include "base/text.h"

#include <fmt/format.h>

#include <algorithm>

namespace qrx {
namespace {

constexpr char32_t broken = 0xFFFFFFFF;

// Takes one code point off the front of `text`; `broken` (and one byte taken) when it is not UTF-8.
char32_t take_code_point(std::string_view& text) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte_at(0);
  std::size_t length = 1;
  char32_t value = lead;
  char32_t least = 0;
  // RFC 3629: C0, C1 and F5 to FF begin no character.
  if (lead >= 0x80) {
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
      value = lead & 0x1FU;
      least = 0x80;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      value = lead & 0x0FU;
      least = 0x800;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      value = lead & 0x07U;
      least = 0x10000;
    } else {
      text.remove_prefix(1);
      return broken;
    }
    if (text.size() < length) {
      text.remove_prefix(1);
      return broken;
    }
    for (std::size_t i = 1; i < length; ++i) {
      if ((byte_at(i) & 0xC0U) != 0x80U) {
        text.remove_prefix(1);
        return broken;
      }
      value = (value << 6) | (byte_at(i) & 0x3FU);
    }
    // Overlong forms and surrogates: other readers of the same bytes would see other characters, which is how names
    // pass a check that they should not.
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) {
      text.remove_prefix(1);
      return broken;
    }
  }
  text.remove_prefix(length);
  return value;
}

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

}  // namespace

bool is_valid_utf8(std::string_view text) {
  while (!text.empty())
    if (take_code_point(text) == broken) return false;
  return true;
}

std::string escape_untrusted(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t c = take_code_point(text);
    // A terminal would obey some of these: each is shown as its byte in hexadecimal.
    if (c == broken || c < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(before[0]));
    } else if (is_invisible(c)) {
      const auto value = static_cast<unsigned>(c);
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

// Not std::tolower and the like: they depend on the locale.
static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
static char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
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
  for (std::size_t i = 0; i < text.size();) {
    const auto at = [&](std::size_t n) -> unsigned {
      return i + n < text.size() ? static_cast<unsigned char>(text[i + n]) : 0U;
    };
    const unsigned three = (at(0) << 16) | (at(1) << 8) | at(2);
    if (at(0) == 0xC2 && at(1) == 0xA0) {  // no-break space
      out += ' ';
      i += 2;
    } else if ((three >= 0xE28080 && three <= 0xE2808A) || three == 0xE280AF || three == 0xE38080) {
      out += ' ';  // U+2000-U+200A, U+202F, U+3000
      i += 3;
    } else if ((three >= 0xE28090 && three <= 0xE28095) || three == 0xE28892) {
      out += '-';  // U+2010-U+2015, the minus sign
      i += 3;
    } else if ((three >= 0xE2808B && three <= 0xE2808F) || three == 0xE281A0 || three == 0xEFBBBF ||
               (three >= 0xE280AA && three <= 0xE280AC) || (three >= 0xE281A6 && three <= 0xE281A9)) {
      i += 3;  // zero width, marks of direction; not the overrides, which deceive
    } else if (three >= 0xEFBC81 && three <= 0xEFBCBF) {
      out += static_cast<char>('!' + (three - 0xEFBC81));  // U+FF01-U+FF3F
      i += 3;
    } else if (three >= 0xEFBD80 && three <= 0xEFBD9E) {
      out += static_cast<char>('`' + (three - 0xEFBD80));  // U+FF40-U+FF5E
      i += 3;
    } else {
      out += text[i++];
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
