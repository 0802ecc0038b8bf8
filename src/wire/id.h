// Names of things on the wire: 128 random bits, written as 26 base32 characters.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace qrx::wire {

// The name of a space (then a random UUIDv4, RFC 9562), a delivery, an upload, a file or a share.
struct Id {
  std::array<std::uint8_t, 16> bytes{};

  static Id random();                                     // a UUIDv4
  static std::optional<Id> parse(std::string_view text);  // 26 base32 characters, any case
  std::string text() const;                               // lower case

  friend auto operator<=>(const Id&, const Id&) = default;
};

using Guid = Id;  // of a space

// A secret that grants a right: 160 random bits, written as 32 base32 characters.
struct Token {
  std::array<std::uint8_t, 20> bytes{};

  static Token random();
  static std::optional<Token> parse(std::string_view text);
  std::string text() const;
};

struct IdHash {
  std::size_t operator()(const Id& id) const {
    std::size_t hash;  // the bytes are random already
    std::memcpy(&hash, id.bytes.data(), sizeof hash);
    return hash;
  }
};

}  // namespace qrx::wire

// All folders speak of things by these names.
namespace qrx {
using wire::Guid;
using wire::Id;
using wire::IdHash;
using wire::Token;
}  // namespace qrx
