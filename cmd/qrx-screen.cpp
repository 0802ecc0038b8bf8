// qrx-screen: the private helper that asks the desktop for a screenshot, and writes it to stdout. GLib's threads and
// libraries stay in it.
//
// Started by take_screenshot (src/cli/send/screenshot.h). Exit status: 0; 4 when the user did not allow it; else 1.
// What is wrong stands on stderr.
#include <unistd.h>

#include "base/write_all.h"
#include "portal/portal_screenshot.h"

int main() {
  const auto picture = qrx::portal::take_screenshot();
  if (picture) return qrx::write_all(STDOUT_FILENO, *picture) ? 0 : 1;
  (void)qrx::write_all(STDERR_FILENO, picture.error().what + "\n");
  return picture.error().kind == qrx::Kind::denied ? 4 : 1;
}
