// The steps of a search, each of them one way to make a code readable, in the order in which they are tried: cheap to
// costly. Private to src/vision.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <opencv2/core/mat.hpp>

#include "vision/locate.h"
#include "vision/search.h"

namespace qrx::vision {

struct SearchStep {
  std::string_view name;  // as scan_report.h allows it
  void (*run)(Search&);   // may throw what OpenCV throws
};

std::span<const SearchStep> photograph_steps();
std::span<const SearchStep> screenshot_steps();  // pictures without loss

// Ways that several steps take.

cv::Mat shrunk(const cv::Mat& picture, int side);  // at most so many pixels a side; the picture itself when it is small

// A code seen from so flat that its finders are no squares any more: enlarged by these two along one side and the
// other, then the other way round.
void read_stretched(Search& search, const cv::Mat& gray, double by, double other, const LocateEffort& effort);

// A small symbol in a large picture, which other steps see with modules of a pixel. What is patterned like a symbol, at
// most so many parts, is cut out as it is, blurred, and enlarged.
void read_parts(Search& search, std::size_t most, double by, double blur, const LocateEffort& effort);

}  // namespace qrx::vision
