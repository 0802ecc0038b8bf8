// A terminal for the tests: paints lines with their colours into pixels; and a reader of QR codes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qrx {

struct Raster {
  int width = 0;
  int height = 0;
  int columns = 0;
  std::vector<std::uint8_t> pixels;  // gray, row by row
};

// Cells of 6x12 pixels. gap: lines of pixels that the glyphs of half blocks leave free at the edge of the cell, as
// those of many fonts do. Knows the escape sequences that qr/terminal_drawing.cpp may use and fails the test at any
// other.
Raster paint(const std::vector<std::string>& lines, bool dark_theme, int gap = 0);

// The text of the code as it stands in the picture (not inverted), or empty.
std::string read_code(const Raster& raster);

}  // namespace qrx
