#include "unit/qr_screen.h"

#include <algorithm>
#include <map>
#include <string_view>

#include "unit/catch.h"
#include "vision/qr_reader.h"

namespace qrx {
namespace {

constexpr int cell_width = 6;
constexpr int cell_height = 12;
constexpr int margin = 3;  // cells of the terminal's own background around the drawing

struct Pen {
  std::uint8_t ink;
  std::uint8_t ground;
};

void select(Pen& pen, const Pen& theme, std::string_view sequence) {
  static const std::map<std::string, std::pair<bool, int>> known = {{"30", {true, 0}},
                                                                    {"40", {false, 0}},
                                                                    {"37", {true, 229}},
                                                                    {"47", {false, 229}},
                                                                    {"97", {true, 255}},
                                                                    {"107", {false, 255}},
                                                                    {"38;5;16", {true, 0}},
                                                                    {"48;5;16", {false, 0}},
                                                                    {"38;5;231", {true, 255}},
                                                                    {"48;5;231", {false, 255}},
                                                                    {"38;2;0;0;0", {true, 0}},
                                                                    {"48;2;0;0;0", {false, 0}},
                                                                    {"38;2;255;255;255", {true, 255}},
                                                                    {"48;2;255;255;255", {false, 255}}};
  if (!sequence.starts_with("0")) FAIL("colours on top of what was there: " << sequence);
  pen = theme;
  std::string_view rest = sequence.size() > 2 ? sequence.substr(2) : "";
  while (!rest.empty()) {
    std::size_t used = 0;
    for (const auto& [code, effect] : known) {
      const bool whole = rest.starts_with(code) && (rest.size() == code.size() || rest[code.size()] == ';');
      if (!whole || code.size() < used) continue;
      used = code.size();
      (effect.first ? pen.ink : pen.ground) = static_cast<std::uint8_t>(effect.second);
    }
    if (used == 0) FAIL("unknown escape sequence " << sequence);
    rest.remove_prefix(std::min(rest.size(), used + 1));
  }
}

struct Cell {
  std::uint8_t upper;
  std::uint8_t lower;
  std::uint8_t ground;
};

std::vector<Cell> cells_of(std::string_view line, const Pen& theme) {
  std::vector<Cell> cells;
  Pen pen = theme;
  for (std::size_t i = 0; i < line.size();) {
    const std::string_view rest = line.substr(i);
    if (rest[0] == '\x1b') {
      const auto end = rest.find('m');
      if (!rest.starts_with("\x1b[") || end == std::string::npos) FAIL("broken escape sequence in " << line);
      select(pen, theme, rest.substr(2, end - 2));
      i += end + 1;
    } else if (rest[0] == ' ') {
      cells.push_back({pen.ground, pen.ground, pen.ground});
      i += 1;
    } else {
      const bool upper = rest.starts_with("\u2580") || rest.starts_with("\u2588");
      const bool lower = rest.starts_with("\u2584") || rest.starts_with("\u2588");
      if (!upper && !lower) FAIL("unknown character in " << line);
      cells.push_back({upper ? pen.ink : pen.ground, lower ? pen.ink : pen.ground, pen.ground});
      i += 3;
    }
  }
  return cells;
}

}  // namespace

Raster paint(const std::vector<std::string>& lines, bool dark_theme, int gap) {
  const Pen theme = dark_theme ? Pen{229, 0} : Pen{0, 255};
  std::vector<std::vector<Cell>> rows;
  Raster raster;
  for (const auto& line : lines) {
    rows.push_back(cells_of(line, theme));
    raster.columns = std::max(raster.columns, static_cast<int>(rows.back().size()));
  }
  raster.width = (raster.columns + 2 * margin) * cell_width;
  raster.height = (static_cast<int>(rows.size()) + 2 * margin) * cell_height;
  raster.pixels.assign(static_cast<std::size_t>(raster.width) * raster.height, theme.ground);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (std::size_t column = 0; column < rows[row].size(); ++column) {
      for (int y = 0; y < cell_height; ++y) {
        const std::size_t line = (row + margin) * cell_height + y;
        const std::size_t start = line * raster.width + (column + margin) * cell_width;
        const Cell& cell = rows[row][column];
        const bool in_gap = y < gap || y >= cell_height - gap;
        std::fill_n(raster.pixels.begin() + static_cast<std::ptrdiff_t>(start), cell_width,
                    in_gap                ? cell.ground
                    : y < cell_height / 2 ? cell.upper
                                          : cell.lower);
      }
    }
  }
  return raster;
}

std::string read_code(const Raster& raster) {
  const auto codes = vision::read_codes({raster.pixels.data(), raster.width, raster.height, raster.width},
                                        vision::Threshold::local, 1);
  return codes.empty() ? std::string() : codes.front().text;
}

}  // namespace qrx
