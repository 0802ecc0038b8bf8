// A picture of all of this machine's screens, by what its desktop has for it.
#pragma once

#include <string>

#include "base/result.h"

namespace qrx::cli {

struct Screenshot {
  std::string picture;  // PNG; in memory only
  std::string program;  // that took it
};

// The first that works. Wayland: grim, gnome-screenshot, spectacle; X11: maim, import, scrot; WSL: powershell.exe; at
// last, but not on WSL, the desktop's portal (qrx-screen). One that can only write to a file gets one that nobody else
// can read and that is removed at once. Kind::other when there is no desktop, nothing that takes a picture of it (the
// hint says what to install), or none of them could; `stop` becomes readable: Kind::unavailable.
Result<Screenshot> take_screenshot(int stop);

}  // namespace qrx::cli
