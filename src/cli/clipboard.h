// The clipboard of the desktop, by the program that the desktop has for it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

struct Clipboard {
  std::string bytes;
  std::string ending;  // of a picture's file name, "png"; empty: it is a text
};
inline constexpr std::size_t most_clipboard_bytes = 64U << 20;

// A text where there is one, else a picture. By wl-paste (Wayland), xclip or xsel (X11), termux-clipboard-get,
// powershell.exe (WSL), pbpaste, or tmux's own. Kind::other, with what to install, when none is there; Kind::usage when
// it is empty. `stop` becomes readable: Kind::unavailable.
Result<Clipboard> read_clipboard(int stop);

// Puts a text there by wl-copy, xclip, xsel, termux-clipboard-set, clip.exe, pbcopy or tmux, or by asking the terminal
// (OSC 52), also around GNU screen. What was done, for people: "copied to the clipboard by wl-copy", "asked the
// terminal to copy it (OSC 52)", for whether a terminal heeds it cannot be known.
Result<std::string> write_clipboard(std::string_view text, int stop);

}  // namespace qrx::cli
