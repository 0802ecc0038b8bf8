// Gray pictures out of one in colours, for codes whose two colours are equally light. Private to src/vision.
#pragma once

#include <optional>

#include <opencv2/core/mat.hpp>

#include "vision/colour.h"

namespace qrx::vision {

struct Planes {
  cv::Mat darkest, lightest;  // of the three channels of each pixel
  cv::Mat saturation;         // how far these two are apart
  cv::Mat red, green, blue;
};

// Each at most side pixels a side. None when the picture has hardly a colour: gray is then all there is.
std::optional<Planes> planes_of(const ColourPicture& picture, int side);

}  // namespace qrx::vision
