#include "vision/alpha_ground.h"

namespace qrx::vision {

void AlphaGround::see(const std::uint8_t* pairs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    // Weighed by how much of it shows.
    light_ += static_cast<std::uint64_t>(pairs[2 * i]) * pairs[2 * i + 1];
    weight_ += pairs[2 * i + 1];
  }
}

// White modules drawn on nothing need a dark ground, black ones a light one; a picture with both does not care.
std::uint8_t AlphaGround::ground() const {
  return weight_ != 0 && light_ / weight_ > 160 ? 0 : 255;
}

}  // namespace qrx::vision
