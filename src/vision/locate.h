// Finds symbols by their finders and reads them module by module: symbols without a quiet zone, under glare, bent or
// damaged, which a reader of whole pictures gives up. Private to src/vision.
#pragma once

#include "vision/search.h"

namespace qrx::vision {

// gray: the picture at the size to search in.
void locate_and_read(Search& search, const cv::Mat& gray);

// After a drop link was found: is there another symbol beside it? Which of two links is taken must not be decided by
// luck.
void look_beside(Search& search);

}  // namespace qrx::vision
