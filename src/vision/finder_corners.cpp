#include "vision/finder_corners.h"

#include <algorithm>
#include <cmath>

#include <opencv2/core/matx.hpp>

namespace qrx::vision {
namespace {

double length(const cv::Point2d& v) {
  return std::hypot(v.x, v.y);
}

// The corners of the parallelogram around an ellipse whose sides run along the legs.
Corners corners_around(const Finder& round, const cv::Point2d& across, const cv::Point2d& down) {
  const auto reach = [&](const cv::Point2d& along, const cv::Point2d& other) {
    // The support function of the ellipse: how far it reaches in the direction across each side.
    const cv::Vec2d normal(-other.y, other.x);
    return along * (std::sqrt(std::max(0.0, normal.dot(round.oval * normal))) /
                    std::max(1e-6, std::abs(normal.dot(cv::Vec2d(along.x, along.y)))));
  };
  const cv::Point2d right = reach(across, down), below = reach(down, across), middle = round.centre;
  return {middle - right - below, middle + right - below, middle + right + below, middle - right + below};
}

// Which corner of the finder in the picture is which of the symbol: the assignment nearest to what the legs predict.
Corners ordered(const Finder& finder, const cv::Point2d& across, const cv::Point2d& down) {
  const cv::Point2d expected[4] = {finder.centre - across - down, finder.centre + across - down,
                                   finder.centre + across + down, finder.centre - across + down};
  Corners best{};
  double least = 1e18;
  for (int first = 0; first < 4; ++first) {
    // 1 and 3: clockwise, and the other way round for mirrored symbols.
    for (const int turn : {1, 3}) {
      Corners candidate;
      double sum = 0;
      for (int i = 0; i < 4; ++i) {
        candidate[i] = finder.corners[(first + turn * i) % 4];
        sum += length(candidate[i] - expected[i]);
      }
      if (sum < least) {
        least = sum;
        best = candidate;
      }
    }
  }
  return best;
}

}  // namespace

Corners corners_of(const Finder& finder, const cv::Point2d& across, const cv::Point2d& down, FinderShape as) {
  if (as == FinderShape::oval && finder.is_round()) return corners_around(finder, across, down);
  const double half = finder.side / 2;
  return ordered(finder, across * (half / length(across)), down * (half / length(down)));
}

double half_extent(const Corners& corners, bool across) {
  return across ? (length(corners[1] - corners[0]) + length(corners[2] - corners[3])) / 4
                : (length(corners[3] - corners[0]) + length(corners[2] - corners[1])) / 4;
}

}  // namespace qrx::vision
