// Bech32 (BIP 173, without its length limit) for age's keys: text for a fixed number of bytes, with a checksum.
// Written for secrets: nothing is put on the heap but the text that encode() returns.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace qrx::seal {

enum class Bech32 : std::uint8_t {
  good,
  mixed_case,       // all upper or all lower case only
  wrong_prefix,     // another kind of key, or no such text at all
  wrong_character,  // not of the alphabet
  wrong_length,     // not the number of bytes asked for, or padding that is not zero
  wrong_checksum,   // mistyped or damaged
};

// REQUIRES: prefix in lower case. The text is in lower case.
std::string bech32_encode(std::string_view prefix, ByteView bytes);

// Fills `out` when the answer is `good`; otherwise its content is unspecified. REQUIRES: prefix in lower case.
Bech32 bech32_decode(std::string_view text, std::string_view prefix, std::span<std::uint8_t> out);

}  // namespace qrx::seal
