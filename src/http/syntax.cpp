#include "http/syntax.h"

#include <algorithm>

#include "base/text.h"

namespace qrx::http {

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_byte);
}

bool is_field_value(std::string_view text) {
  return std::all_of(text.begin(), text.end(), is_field_byte);
}

bool lists_token(std::string_view list, std::string_view token) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (equal_ignoring_case(trim(list.substr(0, comma)), token)) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::optional<std::uint64_t> parse_content_length(std::string_view text) {
  // No sign, no blank, no hex: what others read differently. 2^63-1 has 19 digits.
  if (text.empty() || text.size() > 19 || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  if (value > INT64_MAX) return std::nullopt;  // it must fit off_t
  return value;
}

}  // namespace qrx::http
