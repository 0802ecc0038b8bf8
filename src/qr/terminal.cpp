#include "qr/terminal.h"

#include <optional>
#include <string_view>

namespace qrx {
namespace {

constexpr std::string_view upper_half = "\u2580";
constexpr std::string_view lower_half = "\u2584";
constexpr std::string_view full_block = "\u2588";
constexpr std::string_view reset = "\x1b[0m";

struct Layout {
  Form form;
  int quiet_zone;
  int columns;
  int rows;
};

Layout two_columns(int side, int quiet_zone) {
  const int all = side + 2 * quiet_zone;
  return {Form::two_columns, quiet_zone, 2 * all, all};
}

Layout half_blocks(int side, int quiet_zone) {
  const int all = side + 2 * quiet_zone;
  return {Form::half_blocks, quiet_zone, all, (all + 1) / 2};
}

bool fits(const Layout& layout, const Screen& screen, int free_rows) {
  return (screen.columns == 0 || layout.columns <= screen.columns) &&
         (screen.rows == 0 || layout.rows + free_rows <= screen.rows);
}

// The order was measured: background colours alone leave no seams between cells, whatever the font; a quiet zone of
// 1 is enough for every reader, 0 for none; a wider one only helps while the modules do not get smaller for it.
std::optional<Layout> choose(int side, const Screen& screen, bool& fills_screen) {
  fills_screen = false;
  if (const auto layout = two_columns(side, 2); fits(layout, screen, 1)) return layout;
  for (const int quiet_zone : {4, 2, 1}) {
    const auto layout = screen.utf8 ? half_blocks(side, quiet_zone) : two_columns(side, quiet_zone);
    if (fits(layout, screen, 1)) return layout;
  }
  fills_screen = true;
  const auto least = screen.utf8 ? half_blocks(side, 1) : two_columns(side, 1);
  if (fits(least, screen, 0)) return least;
  return std::nullopt;
}

// What a cell shows: its upper and its lower half.
struct Cell {
  bool upper;
  bool lower;
  friend bool operator==(const Cell&, const Cell&) = default;
};

std::string_view foreground(Colours colours, bool dark) {
  switch (colours) {
    case Colours::none: return "";
    case Colours::eight: return dark ? "30" : "37";
    case Colours::sixteen: return dark ? "30" : "97";
    case Colours::palette: return dark ? "38;5;16" : "38;5;231";
    case Colours::truecolour: return dark ? "38;2;0;0;0" : "38;2;255;255;255";
  }
  return "";
}

std::string_view background(Colours colours, bool dark) {
  switch (colours) {
    case Colours::none: return "";
    case Colours::eight: return dark ? "40" : "47";
    case Colours::sixteen: return dark ? "40" : "107";
    case Colours::palette: return dark ? "48;5;16" : "48;5;231";
    case Colours::truecolour: return dark ? "48;2;0;0;0" : "48;2;255;255;255";
  }
  return "";
}

// Bold or reverse video left over from before would change the colours: each sequence starts from zero.
std::string select_colours(Colours colours, Cell cell) {
  std::string out = "\x1b[0;";
  if (cell.upper != cell.lower) {
    out += foreground(colours, cell.upper);
    out += ';';
  }
  out += background(colours, cell.lower);
  return out + 'm';
}

// A blank where both halves are equal: the background fills the whole cell, a full block may leave gaps.
std::string coloured_line(const std::vector<Cell>& cells, Colours colours, int width) {
  std::string out;
  std::optional<Cell> current;
  for (const Cell cell : cells) {
    if (current != cell) out += select_colours(colours, cell);
    current = cell;
    if (cell.upper == cell.lower)
      out.append(static_cast<std::size_t>(width), ' ');
    else
      out += upper_half;
  }
  return out += reset;  // before the newline: else the background bleeds to the edge of the window
}

std::string plain_line(const std::vector<Cell>& cells, bool utf8, int width) {
  std::string out;
  for (const Cell cell : cells) {
    const std::string_view glyph = cell.upper ? (cell.lower ? (utf8 ? full_block : "#") : upper_half)
                                              : (cell.lower ? lower_half : " ");
    for (int i = 0; i < width; ++i) out += glyph;
  }
  return out;
}

}  // namespace

Drawing draw(const Symbol& symbol, const Screen& screen) {
  Drawing drawing;
  const auto layout = choose(symbol.side(), screen, drawing.fills_screen);
  if (!layout) {
    const auto least = screen.utf8 ? half_blocks(symbol.side(), 1) : two_columns(symbol.side(), 1);
    drawing.form = least.form;
    drawing.columns = least.columns;
    drawing.rows = least.rows;
    drawing.fills_screen = false;
    return drawing;
  }
  drawing.fits = true;
  drawing.form = layout->form;
  drawing.quiet_zone = layout->quiet_zone;
  drawing.columns = layout->columns;
  drawing.rows = layout->rows;

  const bool halves = layout->form == Form::half_blocks;
  const int width = halves ? 1 : 2;
  const int all = symbol.side() + 2 * layout->quiet_zone;
  for (int row = 0; row < layout->rows; ++row) {
    std::vector<Cell> cells;
    for (int column = 0; column < all; ++column) {
      const auto dark = [&](int y) {
        return symbol.dark(column - layout->quiet_zone, y - layout->quiet_zone) != screen.invert;
      };
      cells.push_back(halves ? Cell{dark(2 * row), dark(2 * row + 1)} : Cell{dark(row), dark(row)});
    }
    drawing.lines.push_back(screen.colours == Colours::none ? plain_line(cells, screen.utf8, width)
                                                            : coloured_line(cells, screen.colours, width));
  }
  return drawing;
}

std::string does_not_fit(const Drawing& drawing, const Screen& screen) {
  const auto size = [](int columns, int rows) { return std::to_string(columns) + "x" + std::to_string(rows); };
  return "the QR code needs " + size(drawing.columns, drawing.rows) + " characters, the terminal has " +
         size(screen.columns, screen.rows);
}

}  // namespace qrx
