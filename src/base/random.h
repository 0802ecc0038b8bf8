// Random bytes from the kernel (getrandom(2)). Ends the process when the kernel has none: nothing safe is left to do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace qrx {

void fill_random(std::span<std::uint8_t> out);

template <std::size_t N>
std::array<std::uint8_t, N> random_bytes() {
  std::array<std::uint8_t, N> out;
  fill_random(out);
  return out;
}

}  // namespace qrx
