// The steps of a search, each of them one way to make a code readable, in the order in which they are tried: cheap to
// costly. Private to src/vision.
#pragma once

#include <span>
#include <string_view>

#include "vision/search.h"

namespace qrx::vision {

struct SearchStep {
  std::string_view name;  // as scan_report.h allows it
  void (*run)(Search&);   // may throw what OpenCV throws
};

std::span<const SearchStep> photograph_steps();
std::span<const SearchStep> screenshot_steps();  // pictures without loss
std::span<const SearchStep> thorough_steps();    // after either of them, when there is no budget

}  // namespace qrx::vision
