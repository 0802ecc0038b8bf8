// What every symbol of a size has in common, and modules drawn as a reader likes them. Private to src/vision.
#pragma once

#include <vector>

#include <opencv2/core/mat.hpp>

namespace qrx::vision {

// Centres of the alignment patterns of a symbol in one direction (ISO/IEC 18004, annex E); empty for version 1.
std::vector<int> alignment_centres(int side);

// Draws the patterns that every symbol of that size has over modules (255 light, 0 dark).
void draw_function_patterns(cv::Mat& modules);

// Black and white by several rules, each as good as the others: cheap to try all.
std::vector<cv::Mat> thresholded(const cv::Mat& samples);

// Each module three pixels wide, four light modules around.
cv::Mat drawn(const cv::Mat& modules);

// 1 light, -1 dark, 0 unknown: finders with the light around them, timing, alignment. One more module on each side,
// which is light: the quiet zone is what tells where the symbol ends.
cv::Mat_<schar> known_modules(int side);

}  // namespace qrx::vision
