// Text to the modules of a QR code symbol (ISO/IEC 18004): the smallest one, with what correction fits in for free.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qrx::qr {

enum class Correction : std::uint8_t { low, medium, quartile, high };

class Symbol {
 public:
  // modules: side * side values, row by row, true is dark. No quiet zone.
  Symbol(int side, Correction correction, std::vector<bool> modules);

  int side() const { return side_; }
  int version() const { return (side_ - 17) / 4; }  // 1 to 40
  Correction correction() const { return correction_; }
  // Outside of the symbol everything is light: that is the quiet zone.
  bool dark(int x, int y) const {
    return x >= 0 && y >= 0 && x < side_ && y < side_ && modules_[static_cast<std::size_t>(y) * side_ + x];
  }

 private:
  int side_;
  Correction correction_;
  std::vector<bool> modules_;
};

// The smallest symbol that holds the text. Error correction is L, as a screen is not damaged and bigger modules win;
// it is raised as far as the size stays the same. Digits, upper case and " $%*+-./:" cost fewer bits than other bytes.
// Kind::usage for an empty text, one with a NUL, or one too long for version 40 (2,953 bytes).
Result<Symbol> make_symbol(std::string_view text);

}  // namespace qrx::qr
