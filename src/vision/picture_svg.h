// SVG as `qrx-recv --qr-file FILE.svg` writes it (src/qr/image.cpp), and nothing else of SVG: a square of one colour,
// and one path of runs of modules, M<x> <y>h<length>v1h-<length>z each.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "vision/picture.h"

namespace qrx::vision {

// REQUIRES: picture_format() says it is one. Any other SVG is damaged.
// Throws std::bad_alloc only.
Picture decode_svg(ByteView bytes, std::uint64_t pixel_limit);

}  // namespace qrx::vision
