// The 1,024 words of fingerprints: lower-case English, 3 to 7 letters, all different. Ten bits a word.
#pragma once

#include <array>
#include <string_view>

namespace qrx::seal {

inline constexpr std::size_t word_count = 1024;
extern const std::array<std::string_view, word_count> words;

}  // namespace qrx::seal
