// The codewords behind the modules of a symbol (ISO/IEC 18004, 7.3 to 7.9): taken out with how sure each one is,
// corrected, and put back. Glare and damage leave doubtful modules in known places; told so, the code corrects twice as
// many. Private to src/vision.
#pragma once

#include <cstddef>

#include <opencv2/core/mat.hpp>

namespace qrx::vision {

// modules: 255 light, 0 dark, side * side. certainty: how sure each module is, any scale. True: modules are now those
// of a valid symbol, format and version bits included. False: they are as they were. least_proof: so many check symbols
// of each block must be left over at least, for who tries so often that chance would help.
bool repair_symbol(cv::Mat& modules, const cv::Mat_<float>& certainty, std::size_t least_proof = 0);

// How far each sample is from the line between light and dark around it, in shares of the contrast there.
cv::Mat_<float> certainty_of(const cv::Mat& samples);

}  // namespace qrx::vision
