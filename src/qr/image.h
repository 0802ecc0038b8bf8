// A QR code as a picture file, for a phone, a page or paper. Pure bytes out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qr/symbol.h"

namespace qrx::qr {

struct ImageOptions {
  int quiet_zone = 4;     // modules; the standard asks for 4
  int module_pixels = 0;  // PNG: 0 picks at least 8, so that the picture is 600 pixels wide or more
  bool invert = false;    // light modules on dark
};

// One bit a pixel, 300 dots an inch. Kind::other when libpng fails (no memory).
Result<std::vector<std::uint8_t>> to_png(const Symbol& symbol, const ImageOptions& options = {});

// One path in units of a module, 60 mm wide where a size is asked for. Always succeeds.
std::string to_svg(const Symbol& symbol, const ImageOptions& options = {});

}  // namespace qrx::qr
