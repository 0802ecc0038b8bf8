// Symbols of which one finder is covered, torn or crossed by a line: two say where the third must lie. Private to
// src/vision.
#pragma once

#include <functional>
#include <vector>

#include <opencv2/core/mat.hpp>

#include "vision/finders.h"

namespace qrx::vision {

// Two of the finders and a third that their outlines did not show, the likeliest first. A picture can be made of
// finders that all could belong together: `stop` is asked between pairs, and when it says so nothing more is looked at.
std::vector<FinderTriple> completed_triples(const cv::Mat& gray, const std::vector<Finder>& finders, std::size_t most,
                                            const std::function<bool()>& stop);

}  // namespace qrx::vision
