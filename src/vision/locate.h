// Finds symbols by their finders and reads them module by module: symbols without a quiet zone, under glare, bent or
// damaged, which a reader of whole pictures gives up. Private to src/vision.
#pragma once

#include "vision/hunt.h"

namespace qrx {

// gray: the picture at the size to search in.
void locate_and_read(Hunt& hunt, const cv::Mat& gray);

}  // namespace qrx
