#include "wire/id.h"

#include "base/bytes.h"
#include "base/fixed_bytes.h"
#include "base/random.h"

namespace qrx::wire {

Id Id::random() {
  Id id{random_bytes<16>()};
  id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0FU) | 0x40U);  // version 4
  id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3FU) | 0x80U);  // variant of RFC 9562
  return id;
}

std::optional<Id> Id::parse(std::string_view text) {
  Id id;
  if (text.size() != 26 || !from_base32(text, id.bytes)) return std::nullopt;
  return id;
}

std::string Id::text() const {
  return to_base32(as_bytes(bytes));
}

Token Token::random() {
  return {random_bytes<20>()};
}

std::optional<Token> Token::parse(std::string_view text) {
  Token token;
  if (text.size() != 32 || !from_base32(text, token.bytes)) return std::nullopt;
  return token;
}

std::string Token::text() const {
  return to_base32(as_bytes(bytes));
}

}  // namespace qrx::wire
