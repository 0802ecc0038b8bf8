// Lets a grid follow a bent symbol. Private to src/vision.
#pragma once

#include <opencv2/core/mat.hpp>

#include "vision/surface.h"

namespace qrx::vision {

// The symbol as the plane of a surface shows it from above, blurred a little.
struct FlatSymbol {
  cv::Mat gray;
  int module_pixels;  // shifts are found in whole pixels of this
  int border;         // modules around
};

// Each node takes the shift at which the modules around it stand out most: where the colour of a module is known, it
// must have it; elsewhere samples are far from the mean in the middle of modules and near it between them. A node
// starts from where its neighbours nearer to the finders went, so that bends of many modules are followed in small
// moves. side: of the symbol, modules. The surface's own shifts are the first guess, of which the answer is a better
// one.
Surface::Shifts followed(const FlatSymbol& flat, int side, const Surface& surface);

}  // namespace qrx::vision
