// Where in a large picture something stands that is as finely patterned as a code. Private to src/vision.
#pragma once

#include <vector>

#include <opencv2/core/mat.hpp>

namespace qrx::vision {

// Squares around the parts with the most edges in both directions for their contrast, the most patterned first, at most
// so many; in pixels of gray, inside of it. A part is as large as a symbol of 20 to 60 pixels in a picture of 1000.
std::vector<cv::Rect> patterned_parts(const cv::Mat& gray, std::size_t most);

}  // namespace qrx::vision
