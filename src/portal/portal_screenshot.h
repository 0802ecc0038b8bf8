// A screenshot by the desktop itself: the portal of xdg-desktop-portal, on the session's D-Bus. It may ask the user.
#pragma once

#include <string>

#include "base/result.h"

namespace qrx::portal {

// The file's bytes; the file, which the portal made for this call, is removed. Blocks until the user has answered, if
// they are asked. Kind::denied when they said no; Kind::other when there is no bus, no portal, or it failed.
Result<std::string> take_screenshot();

}  // namespace qrx::portal
