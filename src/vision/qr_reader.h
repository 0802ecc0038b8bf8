// The reader of QR codes of a library (ZXing), as far as we need it. No other file names the library: its versions 1.4
// (Debian 12), 2.3 (13) and 3.1 call the same things by different names.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace qrx::vision {

// How gray becomes black and white. fixed: at 127, for pictures that a step thresholded itself.
enum class Threshold : std::uint8_t { local, global, fixed };

// 8 bit gray, row by row from the top, 0 is black; the pixels stay the caller's.
struct GrayView {
  const std::uint8_t* pixels = nullptr;
  int width = 0;
  int height = 0;
  std::ptrdiff_t row_bytes = 0;
};

struct FoundCode {
  struct Corner {
    int x = 0;
    int y = 0;
  };
  std::string text;               // UTF-8
  std::array<Corner, 4> corners;  // in pixels of the picture, clockwise from the symbol's own top left
};

// The codes in a picture whose checksums hold, dark on light, at any angle; at most `most`. Throws std::bad_alloc only:
// what the library says of a symbol with nonsense in it is no code.
std::vector<FoundCode> read_codes(const GrayView& picture, Threshold threshold, int most);

// The same for a picture, of two values, that is nothing but one upright symbol of whole modules with a quiet zone:
// cheap, and blind to all else. At most one.
std::vector<FoundCode> read_pure_code(const GrayView& picture);

}  // namespace qrx::vision
