// The steps of --thorough, after those of search_steps.h, when there is no budget: each costs seconds and reads few
// pictures that no other reads. Private to src/vision.
#pragma once

#include <span>

#include "vision/search_steps.h"

namespace qrx::vision {

std::span<const SearchStep> thorough_steps();

}  // namespace qrx::vision
