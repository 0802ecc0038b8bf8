// The grammar of header fields (RFC 9110, 5), for whoever reads or writes them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace qrx::http {

// tchar of RFC 9110, 5.6.2, as a table: heads are looked at byte by byte.
inline constexpr std::array<bool, 256> token_bytes = [] {
  std::array<bool, 256> is{};
  for (unsigned char c = '0'; c <= '9'; ++c) is[c] = true;
  for (unsigned char c = 'a'; c <= 'z'; ++c) is[c] = true;
  for (unsigned char c = 'A'; c <= 'Z'; ++c) is[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) is[static_cast<unsigned char>(c)] = true;
  return is;
}();

constexpr bool is_token_byte(char c) {
  return token_bytes[static_cast<unsigned char>(c)];
}
constexpr bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_field_byte(char c) {
  return c == '\t' || !is_control(c);
}

bool is_token(std::string_view text);        // 1 or more of letters, digits and !#$%&'*+-.^_`|~
bool is_field_value(std::string_view text);  // no control bytes but tab, so no CR or LF; may be empty
bool lists_token(std::string_view list, std::string_view token);  // "a, b ,c" has "b"; any case
// Strict decimal: digits only, at most 2^63 - 1.
std::optional<std::uint64_t> parse_content_length(std::string_view text);

}  // namespace qrx::http
