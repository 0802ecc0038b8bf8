// Gray between the pixels of a picture, and how well a line of it looks like a timing pattern. Private to src/vision.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <opencv2/core/mat.hpp>

namespace qrx::vision {

// Whole coordinates are the middles of pixels, as in outlines; beyond the edge the picture goes on as it ends.
// Here, as it is asked for every pixel.
inline double gray_at(const cv::Mat& gray, const cv::Point2d& point) {
  const double x = std::clamp(point.x, 0.0, gray.cols - 1.001);
  const double y = std::clamp(point.y, 0.0, gray.rows - 1.001);
  const int i = static_cast<int>(x), j = static_cast<int>(y);
  if (i + 1 >= gray.cols || j + 1 >= gray.rows) return gray.at<std::uint8_t>(j, i);
  const double s = x - i, t = y - j;
  const std::uint8_t* top = gray.ptr<std::uint8_t>(j) + i;
  const std::uint8_t* bottom = gray.ptr<std::uint8_t>(j + 1) + i;
  return (top[0] * (1 - s) + top[1] * s) * (1 - t) + (bottom[0] * (1 - s) + bottom[1] * s) * t;
}

// The share of a timing pattern's modules, of which the first one is light, that are on the right side of the mean
// around them. Not a threshold for all: light falls off along a bent page.
double alternation(const std::vector<double>& line);

}  // namespace qrx::vision
