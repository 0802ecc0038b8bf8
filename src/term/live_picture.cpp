#include "term/live_picture.h"

#include <fmt/format.h>

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace qrx::term {
namespace {

// Wide enough to find a code by, small enough to be drawn ten times a second over a slow line.
constexpr int most_columns = 72;
constexpr int least_columns = 16;
constexpr int least_rows = 4;
constexpr std::string_view upper_half = "\u2580";
constexpr std::string_view densities = " .:-=+*#%@";  // light on dark

void put(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // a view is not worth an error
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

// The number of a colour near this gray, in the terminal's own scale. Of the 256: 16 is black, 231 white, and 232 to
// 255 are 24 grays from 8 to 238.
int shade(Depth depth, std::uint8_t gray) {
  switch (depth) {
    case Depth::truecolour:
      return gray;
    case Depth::palette:
      return gray < 4 ? 16 : gray > 246 ? 231 : 232 + (gray - 4) * 24 / 243;
    case Depth::sixteen:
      return gray < 64 ? 0 : gray < 128 ? 8 : gray < 200 ? 7 : 15;
    case Depth::eight:
      return gray < 110 ? 0 : 7;
    case Depth::none:
      break;
  }
  return gray * static_cast<int>(densities.size()) / 256;
}

std::string colour(Depth depth, int shade, bool background) {
  if (depth == Depth::truecolour) return fmt::format("{0};2;{1};{1};{1}", background ? 48 : 38, shade);
  if (depth == Depth::palette) return fmt::format("{};5;{}", background ? 48 : 38, shade);
  // 8 to 15 are the bright ones: 90 to 97 and 100 to 107.
  return fmt::format("{}", (background ? 40 : 30) + (shade >= 8 ? 60 + shade - 8 : shade));
}

struct Scaled {
  const GrayPixels& picture;
  int columns, lines;
  bool mirror;
  std::uint8_t at(int x, int y) const {
    const int from_x = (mirror ? columns - 1 - x : x) * picture.width / columns;
    const int from_y = y * picture.height / lines;
    return picture.pixels[static_cast<std::size_t>(from_y) * static_cast<std::size_t>(picture.width) +
                          static_cast<std::size_t>(from_x)];
  }
};

std::string line_of(const Scaled& scaled, int row, Depth depth, bool utf8) {
  std::string out;
  int ink = -1, ground = -1;
  for (int x = 0; x < scaled.columns; ++x) {
    if (depth == Depth::none || !utf8) {
      out += densities[static_cast<std::size_t>(shade(Depth::none, scaled.at(x, 2 * row)))];
      continue;
    }
    const int upper = shade(depth, scaled.at(x, 2 * row)), lower = shade(depth, scaled.at(x, 2 * row + 1));
    // Only where it changes: a line of equal cells costs three bytes a cell.
    if (upper != ink || lower != ground)
      out += "\x1b[" + colour(depth, upper, false) + ";" + colour(depth, lower, true) + "m";
    ink = upper;
    ground = lower;
    out += upper_half;
  }
  if (ink >= 0) out += "\x1b[0m";
  return out;
}

}  // namespace

std::vector<std::string> draw_gray(const GrayPixels& picture, Size size, Depth depth, bool utf8, bool mirror) {
  if (picture.width <= 0 || picture.height <= 0 ||
      picture.pixels.size() != static_cast<std::size_t>(picture.width) * static_cast<std::size_t>(picture.height))
    return {};
  // A cell is about twice as high as it is wide, so its halves are squares.
  int columns = std::min({size.columns - 1, most_columns, 2 * (size.rows - 2) * picture.width / picture.height});
  columns = std::max(columns, 0);
  const int rows = columns * picture.height / picture.width / 2;
  if (columns < least_columns || rows < least_rows) return {};
  const Scaled scaled{picture, columns, 2 * rows, mirror};
  std::vector<std::string> out;
  for (int row = 0; row < rows; ++row) out.push_back(line_of(scaled, row, depth, utf8));
  return out;
}

LivePicture::LivePicture(int fd, bool shown) : fd_(fd), shown_(shown && moves_cursor()) {}

void LivePicture::show(const GrayPixels& picture, std::string_view caption, bool mirror) {
  if (!shown_) return;
  const Size size = size_of(fd_).value_or(Size{});
  std::string out;
  // What stands there is wrapped or torn once the window has another size.
  if (drawn_ && !(size == size_))
    out += "\x1b[H\x1b[2J";
  else if (drawn_)
    out += "\r" + (rows_ > 0 ? "\x1b[" + std::to_string(rows_) + "A" : std::string());
  size_ = size;
  const auto lines = draw_gray(picture, size, colour_depth(), speaks_utf8(), mirror);
  for (const std::string& line : lines) out += line + "\x1b[K\r\n";
  // To the ends of line and screen: what an earlier, larger picture left is gone.
  out += std::string(front_of_width(caption, static_cast<std::size_t>(std::max(size.columns - 1, 0)))) + "\x1b[K\x1b[J";
  rows_ = lines.size();
  drawn_ = true;
  put(fd_, out);
}

void LivePicture::clear() {
  if (drawn_) put(fd_, "\r" + (rows_ > 0 ? "\x1b[" + std::to_string(rows_) + "A" : std::string()) + "\x1b[J");
  drawn_ = false;
  rows_ = 0;
}

}  // namespace qrx::term
