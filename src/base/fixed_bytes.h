// Bytes of a known number from text, such as an id or a sum: as base/bytes.h reads them, into room that is there.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace qrx {

// False when `text` is not exactly so many bytes; `out` is then of no meaning.
bool from_hex(std::string_view text, std::span<std::uint8_t> out);
bool from_base32(std::string_view text, std::span<std::uint8_t> out);

}  // namespace qrx
