// Symbols of which one finder is covered, torn or crossed by a line: two say where the third must lie. Private to
// src/vision.
#pragma once

#include <vector>

#include <opencv2/core/mat.hpp>

#include "vision/finders.h"

namespace qrx::vision {

// Two of the finders and a third that their outlines did not show, the likeliest first.
std::vector<FinderTriple> completed_triples(const cv::Mat& gray, const std::vector<Finder>& finders, std::size_t most);

}  // namespace qrx::vision
