// A QR code drawn with the characters of a terminal. Pure: the caller knows the size and the colours, and prints.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "qr/symbol.h"

namespace qrx::qr {

// What the terminal can show. none: no escape sequences at all (NO_COLOR, TERM=dumb, not a terminal). Such a drawing
// paints the dark modules with ink and reads only where text is dark on light; set Screen::invert for light on dark.
// The other depths state both colours and look the same on every theme.
enum class Colours : std::uint8_t { none, eight, sixteen, palette, truecolour };

struct Screen {
  int columns = 80;  // 0: as many as it takes (a file, a pipe)
  int rows = 24;     // 0: the same
  Colours colours = Colours::palette;
  bool invert = false;  // swap dark and light (`--invert`)
  bool utf8 = true;     // false: half blocks (U+2580, U+2584) only where two columns a module do not fit; nearly every
                        // terminal draws them whatever the locale says
};

enum class Form : std::uint8_t {
  two_columns,  // a module is two blanks with a background colour: no glyphs, so no seams; the most robust
  half_blocks,  // a cell holds two modules one above the other
};

struct Drawing {
  bool fits = false;
  Form form = Form::half_blocks;
  int quiet_zone = 0;  // modules of light around the symbol
  // The size of the drawing; when it does not fit, the least size of a window in which it would.
  int columns = 0;
  int rows = 0;
  // One text a row, without newline; each ends in the terminal's own colours. Empty when it does not fit: a clipped or
  // wrapped symbol reads nowhere. Print '\n' between the lines; when fills_screen is set print none after the last
  // one, or the first one scrolls away. Otherwise at least one row stays free for text.
  std::vector<std::string> lines;
  bool fills_screen = false;
};

// The best form that fits, in this order: two columns with a quiet zone of 2; half blocks with 4, 2, 1, leaving one row
// free; half blocks with 1 on all rows.
Drawing draw(const Symbol& symbol, const Screen& screen);

// For people, when it does not fit: "the QR code needs 51x26 characters, the terminal has 80x24".
std::string does_not_fit(const Drawing& drawing, const Screen& screen);

}  // namespace qrx::qr
