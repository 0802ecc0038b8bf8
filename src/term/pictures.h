// How pictures can be shown on the terminal at a descriptor. By the environment alone: nothing is asked of the
// terminal, whose answers would come between what people type.
#pragma once

#include <cstdint>

namespace qrx::term {

// symbols: characters in colours. The others are graphics protocols.
enum class PictureForm : std::uint8_t { none, symbols, sixel, kitty, iterm2 };

// none: no terminal, a dumb one, one without colours, NO_COLOR. In tmux and screen always symbols: they do not pass
// others on.
PictureForm picture_form(int fd);

struct CellSize {
  int width = 10;  // pixels
  int height = 20;
};
CellSize cell_size(int fd);  // as the kernel knows it, else the default

}  // namespace qrx::term
