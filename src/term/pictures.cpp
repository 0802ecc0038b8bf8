#include "term/pictures.h"

#include <sys/ioctl.h>

#include <cstdlib>
#include <string_view>

#include "term/terminal.h"

namespace qrx::term {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

PictureForm picture_form(int fd) {
  if (!is_terminal(fd) || colour_depth() == Depth::none) return PictureForm::none;
  const auto term = environment("TERM"), program = environment("TERM_PROGRAM");
  if (!environment("TMUX").empty() || !environment("STY").empty() || term.starts_with("tmux") ||
      term.starts_with("screen"))
    return PictureForm::symbols;
  if (term == "xterm-kitty" || term == "xterm-ghostty" || program == "ghostty" ||
      !environment("KITTY_WINDOW_ID").empty())
    return PictureForm::kitty;
  if (program == "iTerm.app" || environment("LC_TERMINAL") == "iTerm2") return PictureForm::iterm2;
  for (const std::string_view name : {"foot", "mlterm", "yaft", "contour"})
    if (term.starts_with(name)) return PictureForm::sixel;
  // Konsole has sixel since 22.04.
  if (program == "WezTerm" || std::atoi(environment("KONSOLE_VERSION").data()) >= 220400) return PictureForm::sixel;
  return PictureForm::symbols;
}

CellSize cell_size(int fd) {
  winsize size{};
  CellSize cell;
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return cell;
  const int width = size.ws_xpixel / size.ws_col, height = size.ws_ypixel / size.ws_row;
  // Smaller than any letter: some terminals fill this with nonsense.
  if (width >= 4 && height >= 6) cell = {width, height};
  return cell;
}

}  // namespace qrx::term
