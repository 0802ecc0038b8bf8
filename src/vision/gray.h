// A gray picture in memory, as every decoder gives it and every reader takes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace qrx::vision {

struct Gray {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> pixels;  // width * height, row by row from the top, 0 is black

  Gray() = default;
  Gray(int width_, int height_, std::uint8_t value)
      : width(width_),
        height(height_),
        pixels(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_), value) {}

  std::uint8_t* row(int y) { return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width); }
  const std::uint8_t* row(int y) const {
    return pixels.data() + static_cast<std::size_t>(y) * static_cast<std::size_t>(width);
  }
};

// Luma of BT.601 in 8 bits of fraction.
inline std::uint8_t luma(unsigned red, unsigned green, unsigned blue) {
  return static_cast<std::uint8_t>((77 * red + 150 * green + 29 * blue + 128) >> 8);
}

}  // namespace qrx::vision
