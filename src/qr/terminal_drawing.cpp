#include "qr/terminal_drawing.h"

#include <optional>
#include <string_view>

namespace qrx::qr {
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
  if (const auto layout = two_columns(side, 1); !screen.utf8 && fits(layout, screen, 1)) return layout;
  for (const int quiet_zone : {4, 2, 1})
    if (const auto layout = half_blocks(side, quiet_zone); fits(layout, screen, 1)) return layout;
  fills_screen = true;
  // The last resort: the line that tells where to send is not below it, but the code can be scanned.
  if (const auto least = half_blocks(side, 1); fits(least, screen, 0)) return least;
  return std::nullopt;
}

// What a cell shows: its upper and its lower half.
struct Cell {
  bool upper;
  bool lower;
};

std::string_view foreground(Colours colours, bool dark) {
  switch (colours) {
    case Colours::none:
      return "";
    case Colours::eight:
      return dark ? "30" : "37";
    case Colours::sixteen:
      return dark ? "30" : "97";
    case Colours::palette:
      return dark ? "38;5;16" : "38;5;231";
    case Colours::truecolour:
      return dark ? "38;2;0;0;0" : "38;2;255;255;255";
  }
  return "";
}

std::string_view background(Colours colours, bool dark) {
  switch (colours) {
    case Colours::none:
      return "";
    case Colours::eight:
      return dark ? "40" : "47";
    case Colours::sixteen:
      return dark ? "40" : "107";
    case Colours::palette:
      return dark ? "48;5;16" : "48;5;231";
    case Colours::truecolour:
      return dark ? "48;2;0;0;0" : "48;2;255;255;255";
  }
  return "";
}

// How to show a cell: a blank, or one of the two half blocks.
struct Paint {
  std::string_view glyph;
  bool ink;
  bool ground;
};

// Where both halves are equal a blank: the background fills the whole cell, glyphs may leave gaps at its edges. Where
// they differ, the half block whose gap does least: an upper one shows a line of the lower colour at the top of the
// cell, which does not matter below a cell of that colour; and the other way round. above and below: the halves next to
// this cell.
Paint paint_of(Cell cell, bool above, bool below) {
  if (cell.upper == cell.lower) return {" ", false, cell.upper};
  if (above != cell.lower && below == cell.upper) return {lower_half, cell.lower, cell.upper};
  return {upper_half, cell.upper, cell.lower};
}

// Bold or reverse video left over from before would change the colours: each sequence starts from zero.
std::string select_colours(Colours colours, const Paint& paint) {
  std::string out = "\x1b[0;";
  if (paint.glyph != " ") {
    out += foreground(colours, paint.ink);
    out += ';';
  }
  out += background(colours, paint.ground);
  return out + 'm';
}

using Cells = std::vector<Cell>;

std::string coloured_line(const Cells& above, const Cells& cells, const Cells& below, Colours colours, int width) {
  std::string out, current;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const Paint paint = paint_of(cells[i], above[i].lower, below[i].upper);
    std::string wanted = select_colours(colours, paint);
    if (wanted != current) out += wanted;
    current = std::move(wanted);
    for (int column = 0; column < width; ++column) out += paint.glyph;
  }
  return out += reset;  // before the newline: else the background bleeds to the edge of the window
}

std::string plain_line(const Cells& cells, bool utf8, int width) {
  std::string out;
  for (const Cell cell : cells) {
    const std::string_view glyph =
        cell.upper ? (cell.lower ? (utf8 ? full_block : "#") : upper_half) : (cell.lower ? lower_half : " ");
    for (int i = 0; i < width; ++i) out += glyph;
  }
  return out;
}

}  // namespace

Drawing draw(const Symbol& symbol, const Screen& screen) {
  Drawing drawing;
  const auto layout = choose(symbol.side(), screen, drawing.fills_screen);
  if (!layout) {
    // What a window would need, for the message.
    const auto least = half_blocks(symbol.side(), 1);
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
  std::vector<Cells> rows;
  for (int row = 0; row < layout->rows; ++row) {
    Cells& cells = rows.emplace_back();
    for (int column = 0; column < all; ++column) {
      const auto dark = [&](int y) {
        return symbol.dark(column - layout->quiet_zone, y - layout->quiet_zone) != screen.invert;
      };
      cells.push_back(halves ? Cell{dark(2 * row), dark(2 * row + 1)} : Cell{dark(row), dark(row)});
    }
  }
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const Cells& above = rows[row == 0 ? 0 : row - 1];
    // At the edges a row is its own neighbour: there is nothing to draw a seam against.
    const Cells& below = rows[row + 1 == rows.size() ? row : row + 1];
    drawing.lines.push_back(screen.colours == Colours::none
                                ? plain_line(rows[row], screen.utf8, width)
                                : coloured_line(above, rows[row], below, screen.colours, width));
  }
  return drawing;
}

std::string does_not_fit(const Drawing& drawing, const Screen& screen) {
  const auto size = [](int columns, int rows) { return std::to_string(columns) + "x" + std::to_string(rows); };
  return "the QR code needs " + size(drawing.columns, drawing.rows) + " characters, the terminal has " +
         size(screen.columns, screen.rows);
}

}  // namespace qrx::qr
