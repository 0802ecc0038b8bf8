// Bytes as text and back: hex, base32 and base64. Decoders are strict: one text for one value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace qrx {

using ByteView = std::span<const std::byte>;

inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline ByteView as_bytes(std::span<const std::uint8_t> bytes) {
  return std::as_bytes(bytes);
}
inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string to_hex(ByteView bytes);  // lower case
std::optional<std::vector<std::uint8_t>> from_hex(std::string_view text);

// RFC 4648 base32 without padding; written in lower case, read in any case. Unused bits must be zero.
std::string to_base32(ByteView bytes);
std::optional<std::vector<std::uint8_t>> from_base32(std::string_view text);

// RFC 4648 base64 with padding (the form of tus metadata and HTTP digests).
std::string to_base64(ByteView bytes);
std::optional<std::vector<std::uint8_t>> from_base64(std::string_view text);

// Compares in a time that depends on the lengths only.
bool equal_constant_time(ByteView a, ByteView b);

}  // namespace qrx
