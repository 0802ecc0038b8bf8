// A picture in colours that is small enough for a terminal, and its form on the pipe between the helpers:
//   qrx-pixels 1 <width> <height>\n   and width * height * 4 bytes: red, green, blue, alpha (not multiplied in)
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace qrx::vision {

struct SmallPicture {
  static constexpr int longest_side = 2048;
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgba;
};

std::string format_small_picture(const SmallPicture& picture);
// Kind::integrity for anything but exactly one picture of 1 to longest_side pixels a side.
Result<SmallPicture> parse_small_picture(std::string_view bytes);

// Decodes the picture in a file, from its beginning, in a sandboxed child; at most width * height pixels.
// Kind::unsupported when it is none that we read, is damaged or too large.
Result<SmallPicture> small_picture_of(int file, int width, int height,
                                      std::chrono::milliseconds timeout = std::chrono::seconds(5));

// How a terminal is to be told. symbols: characters in colours; the others are graphics protocols.
enum class ShownAs : std::uint8_t { symbols, sixel, kitty, iterm2 };

struct ShowPlan {
  ShownAs as = ShownAs::symbols;
  int colours = 0;  // 0 (no escapes at all), 8, 16, 256, or 1 << 24
  bool utf8 = true;
  int columns = 80;  // the most
  int rows = 20;
  int cell_width = 10;  // pixels
  int cell_height = 20;
};

// The bytes that draw it, without a newline behind, made by a child of its own (qrx-show). Kind::other when that is not
// there.
Result<std::string> drawn_for_terminal(const SmallPicture& picture, const ShowPlan& plan);

}  // namespace qrx::vision
