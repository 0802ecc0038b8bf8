#include "base/bytes.h"

#include <array>

#include "base/fixed_bytes.h"

namespace qrx {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base32_digits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> reverse(std::string_view digits, bool any_case) {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const char c = digits[i];
    table[static_cast<unsigned char>(c)] = static_cast<std::int8_t>(i);
    if (any_case && c >= 'a' && c <= 'z')
      table[static_cast<unsigned char>(c - 'a' + 'A')] = static_cast<std::int8_t>(i);
  }
  return table;
}

constexpr auto from_hex_digit = reverse(hex_digits, true);
constexpr auto from_base32_digit = reverse(base32_digits, true);
constexpr auto from_base64_digit = reverse(base64_digits, false);

// Writes `bits` bits a digit, most significant bit first; the last digit is filled with zero bits.
template <unsigned bits>
std::string encode(ByteView bytes, std::string_view digits) {
  std::string out((bytes.size() * 8 + bits - 1) / bits, '\0');
  char* to = out.data();
  unsigned held = 0;
  std::uint32_t value = 0;
  for (const std::byte byte : bytes) {
    value = (value << 8) | std::to_integer<std::uint32_t>(byte);
    held += 8;
    while (held >= bits) {
      held -= bits;
      *to++ = digits[(value >> held) & ((1U << bits) - 1)];
    }
  }
  if (held > 0) *to = digits[(value << (bits - held)) & ((1U << bits) - 1)];
  return out;
}

// The bytes of `text` into `out`, which has room for all of them.
template <unsigned bits>
bool decode(std::string_view text, const std::array<std::int8_t, 256>& table, std::uint8_t* out) {
  unsigned held = 0;
  std::uint32_t value = 0;
  for (const char c : text) {
    const int digit = table[static_cast<unsigned char>(c)];
    if (digit < 0) return false;
    value = (value << bits) | static_cast<std::uint32_t>(digit);
    held += bits;
    if (held >= 8) {
      held -= 8;
      *out++ = static_cast<std::uint8_t>(value >> held);
    }
  }
  // RFC 4648, 3.5: an encoder leaves the unused bits zero. Taking others would make two texts of one value, and a link
  // or a token could then be written in a second way.
  const bool whole_digit_left = held >= bits;
  const bool bits_left = (value & ((1U << held) - 1)) != 0;
  return !whole_digit_left && !bits_left;
}

template <unsigned bits>
std::optional<std::vector<std::uint8_t>> decode(std::string_view text, const std::array<std::int8_t, 256>& table) {
  std::vector<std::uint8_t> out(text.size() * bits / 8);
  if (!decode<bits>(text, table, out.data())) return std::nullopt;
  return out;
}

template <unsigned bits>
bool decode(std::string_view text, const std::array<std::int8_t, 256>& table, std::span<std::uint8_t> out) {
  return text.size() * bits / 8 == out.size() && decode<bits>(text, table, out.data());
}

}  // namespace

std::string to_hex(ByteView bytes) {
  return encode<4>(bytes, hex_digits);
}

std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text) {
  return decode<4>(text, from_hex_digit);
}

bool from_hex(std::string_view text, std::span<std::uint8_t> out) {
  return decode<4>(text, from_hex_digit, out);
}

std::string to_base32(ByteView bytes) {
  return encode<5>(bytes, base32_digits);
}

std::optional<std::vector<std::uint8_t>> from_base32(std::string_view text) {
  return decode<5>(text, from_base32_digit);
}

bool from_base32(std::string_view text, std::span<std::uint8_t> out) {
  return decode<5>(text, from_base32_digit, out);
}

std::string to_base64(ByteView bytes) {
  std::string out = encode<6>(bytes, base64_digits);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  // One or two digits of padding, no more: what is left of "====" is no group of four that an encoder writes.
  for (int i = 0; i < 2 && !text.empty() && text.back() == '='; ++i) text.remove_suffix(1);
  return decode<6>(text, from_base64_digit);
}

// Of tokens and sums that a client guesses at: an early end would tell how many bytes are right. volatile keeps the
// compiler from ending the loop early.
bool equal_constant_time(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  volatile std::uint8_t difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = static_cast<std::uint8_t>(difference | std::to_integer<std::uint8_t>(a[i] ^ b[i]));
  return difference == 0;
}

}  // namespace qrx
