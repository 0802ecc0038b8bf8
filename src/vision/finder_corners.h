// The four corners of a finder as the symbol has them, from what was seen of it. Private to src/vision.
#pragma once

#include <array>
#include <cstdint>

#include <opencv2/core/types.hpp>

#include "vision/finders.h"

namespace qrx::vision {

// What of a finder is trusted: the corners of its outline; those around the ring that a round one is seen as; its
// middle alone, as edges may be torn.
enum class FinderShape : std::uint8_t { square, oval, middle };

using Corners = std::array<cv::Point2d, 4>;  // from the symbol's top left one clockwise

// across, down: from the middle of the finder in the corner to the middles of the other two.
Corners corners_of(const Finder& finder, const cv::Point2d& across, const cv::Point2d& down, FinderShape as);

// Half the finder's extent along a leg, from the edges that run along it.
double half_extent(const Corners& corners, bool across);

}  // namespace qrx::vision
