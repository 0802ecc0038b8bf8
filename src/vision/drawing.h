// Pixels to the bytes that draw them on a terminal. What the terminal can was decided by the caller.
#pragma once

#include <string>

#include "vision/small_picture.h"

namespace qrx::vision {

// At most plan.columns and plan.rows cells. Without a newline behind. With plan.colours 0: characters and newlines
// only.
std::string draw_picture(const SmallPicture& picture, const ShowPlan& plan);

}  // namespace qrx::vision
