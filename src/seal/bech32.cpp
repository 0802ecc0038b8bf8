#include "seal/bech32.h"

#include <array>

#include "base/text.h"

namespace qrx::seal {
namespace {

constexpr std::string_view alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";  // BIP 173
constexpr std::size_t checksum_digits = 6;

constexpr std::array<std::int8_t, 128> values = [] {
  std::array<std::int8_t, 128> table{};
  table.fill(-1);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<std::size_t>(alphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}();

// The BCH code of BIP 173 over GF(32): feeds one digit at a time.
class Checksum {
 public:
  // BIP 173: the checksum begins with the prefix, its high bits, a zero, its low bits, so that a key of one kind is no
  // key of another.
  explicit Checksum(std::string_view prefix) {
    for (const char c : prefix) feed(static_cast<unsigned>(c) >> 5);
    feed(0);
    for (const char c : prefix) feed(static_cast<unsigned>(c) & 31U);
  }

  void feed(unsigned digit) {
    // Of the BCH code's generator polynomial (BIP 173).
    static constexpr std::array<std::uint32_t, 5> generator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                               0x2a1462b3};
    const std::uint32_t top = state_ >> 25;
    state_ = ((state_ & 0x1ffffff) << 5) ^ digit;
    for (unsigned i = 0; i < generator.size(); ++i)
      if (((top >> i) & 1U) != 0) state_ ^= generator[i];
  }

  // Of a whole text, checksum included, the remainder is 1 (of Bech32m it would be another constant).
  bool holds() const { return state_ == 1; }

  unsigned digit(std::size_t i) const {  // call after six zero digits were fed
    return ((state_ ^ 1U) >> (5 * (checksum_digits - 1 - i))) & 31U;
  }

 private:
  std::uint32_t state_ = 1;
};

bool mixes_case(std::string_view text) {
  bool upper = false;
  bool lower = false;
  for (const char c : text) {
    upper |= c >= 'A' && c <= 'Z';
    lower |= c >= 'a' && c <= 'z';
  }
  return upper && lower;
}

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const auto index = static_cast<unsigned char>(c);
  return index < values.size() ? values[index] : -1;
}

}  // namespace

std::string bech32_encode(std::string_view prefix, ByteView bytes) {
  const std::size_t digits = (bytes.size() * 8 + 4) / 5;
  std::string text;
  text.reserve(prefix.size() + 1 + digits + checksum_digits);  // in one piece: the bytes may be secret
  text += prefix;
  text += '1';
  Checksum checksum(prefix);
  std::uint32_t held = 0;
  unsigned bits = 0;
  const auto put = [&](unsigned digit) {
    checksum.feed(digit);
    text += alphabet[digit];
  };
  for (const std::byte byte : bytes) {
    held = (held << 8) | std::to_integer<std::uint32_t>(byte);
    for (bits += 8; bits >= 5;) put((held >> (bits -= 5)) & 31U);
  }
  if (bits > 0) put((held << (5 - bits)) & 31U);
  for (std::size_t i = 0; i < checksum_digits; ++i) checksum.feed(0);
  for (std::size_t i = 0; i < checksum_digits; ++i) text += alphabet[checksum.digit(i)];
  return text;
}

Bech32 bech32_decode(std::string_view text, std::string_view prefix, std::span<std::uint8_t> out) {
  const std::size_t separator = text.rfind('1');  // '1' is not in the alphabet
  // Any case, as the whole text may be in upper case (QR codes, identities).
  if (separator == std::string_view::npos || !equal_ignoring_case(text.substr(0, separator), prefix))
    return Bech32::wrong_prefix;
  if (mixes_case(text)) return Bech32::mixed_case;
  const std::string_view digits = text.substr(separator + 1);
  for (const char c : digits)
    if (value_of(c) < 0) return Bech32::wrong_character;
  // Before anything is decoded into `out`, which has just this size.
  if (digits.size() != (out.size() * 8 + 4) / 5 + checksum_digits) return Bech32::wrong_length;

  Checksum checksum(prefix);
  std::uint32_t held = 0;
  unsigned bits = 0;
  std::size_t filled = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const auto digit = static_cast<unsigned>(value_of(digits[i]));
    checksum.feed(digit);
    if (i + checksum_digits >= digits.size()) continue;
    held = (held << 5) | digit;
    bits += 5;
    if (bits >= 8) out[filled++] = static_cast<std::uint8_t>(held >> (bits -= 8));
  }
  if (!checksum.holds()) return Bech32::wrong_checksum;
  // Another text of the same bytes: refused, so that a key has one text.
  return (held & ((1U << bits) - 1)) == 0 ? Bech32::good : Bech32::wrong_length;
}

}  // namespace qrx::seal
