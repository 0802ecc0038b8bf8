// The terminal at a descriptor: is it one, how large, how many colours. Reads the environment and asks the kernel;
// prints nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace qrx::term {

struct Size {
  int columns = 80;
  int rows = 24;
  friend bool operator==(const Size&, const Size&) = default;
};

// none: no escape sequences for colours at all.
enum class Depth : std::uint8_t { none, eight, sixteen, palette, truecolour };

bool is_terminal(int fd);
// As the kernel knows it; 80x24 for a terminal that does not say (a serial line). Absent when it is no terminal.
std::optional<Size> size_of(int fd);

// By NO_COLOR (no-color.org: set and not empty), TERM and COLORTERM.
Depth colour_depth();
// TERM says that the cursor can be moved: not unset, empty or "dumb". Without it there are no redrawn lines.
bool moves_cursor();
// By LC_ALL, LC_CTYPE, LANG; where none of them is set, what moves its cursor is taken for a terminal of today.
bool speaks_utf8();

// Takes SIGWINCH: from then on a resize interrupts poll(2) and makes resize_fd() readable.
void watch_size();
int resize_fd();     // -1 before watch_size()
bool take_resize();  // true once for the resizes since the last call

// Columns that text takes: East Asian wide characters and emoji are two, combining marks none. UTF-8; what is not, one
// a byte.
std::size_t display_width(std::string_view text);
// The longest front of text that is at most so wide.
std::string_view front_of_width(std::string_view text, std::size_t columns);

}  // namespace qrx::term
