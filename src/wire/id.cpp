#include "wire/id.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/random.h"

namespace qrx::wire {

Id Id::random() {
  Id id{random_bytes<16>()};
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0FU) | 0x40U);  // version 4
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3FU) | 0x80U);  // variant of RFC 9562
  return id;
}

std::optional<Id> Id::parse(std::string_view text) {
  if (text.size() != 26) return std::nullopt;
  const auto bytes = from_base32(text);
  if (!bytes || bytes->size() != 16) return std::nullopt;
  Id id;
  std::copy(bytes->begin(), bytes->end(), id.bytes.begin());
  return id;
}

std::string Id::text() const {
  return to_base32(as_bytes(bytes));
}

Token Token::random() {
  return {random_bytes<20>()};
}

std::optional<Token> Token::parse(std::string_view text) {
  if (text.size() != 32) return std::nullopt;
  const auto bytes = from_base32(text);
  if (!bytes || bytes->size() != 20) return std::nullopt;
  Token token;
  std::copy(bytes->begin(), bytes->end(), token.bytes.begin());
  return token;
}

std::string Token::text() const {
  return to_base32(as_bytes(bytes));
}

}  // namespace qrx::wire
