// A small gray picture that is drawn again and again in the same place of the terminal, with a line of text below it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "term/terminal.h"

namespace qrx::term {

struct GrayPixels {
  int width = 0;
  int height = 0;
  std::span<const std::uint8_t> pixels;  // width * height
};

// Its lines, without newlines, for a terminal of this size: two pixels a cell, one above the other; two rows stay free.
// mirror: left and right exchanged. Depth::none and terminals without UTF-8 get characters of growing density.
// Empty when there is no room for anything worth drawing.
std::vector<std::string> draw_gray(const GrayPixels& picture, Size size, Depth depth, bool utf8, bool mirror);

// Not thread-safe.
class LivePicture {
 public:
  // Nothing is ever written unless `shown` (a terminal) and the terminal moves its cursor.
  LivePicture(int fd, bool shown);
  ~LivePicture() { clear(); }
  LivePicture(const LivePicture&) = delete;
  LivePicture& operator=(const LivePicture&) = delete;

  bool shown() const { return shown_; }
  // caption: already escaped; cut to the width.
  void show(const GrayPixels& picture, std::string_view caption, bool mirror);
  void clear();  // as if it had never been there

 private:
  int fd_;
  bool shown_;
  std::size_t rows_ = 0;  // drawn, of the picture; the cursor stands below them
  bool drawn_ = false;
  Size size_;
};

}  // namespace qrx::term
