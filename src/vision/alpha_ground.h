// What transparent parts of a picture lie on, so that a code drawn on nothing can be read.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qrx::vision {

// Puts a picture with an alpha channel on a ground. pairs: gray and alpha of each pixel, one after the other.
class AlphaGround {
 public:
  void see(const std::uint8_t* pairs, std::size_t count);  // first all pixels, to choose the ground
  std::uint8_t ground() const;
  static std::uint8_t mix(std::uint8_t gray, std::uint8_t alpha, std::uint8_t ground) {
    return static_cast<std::uint8_t>((gray * alpha + ground * (255 - alpha) + 127) / 255);
  }

 private:
  std::uint64_t light_ = 0;
  std::uint64_t weight_ = 0;
};

}  // namespace qrx::vision
