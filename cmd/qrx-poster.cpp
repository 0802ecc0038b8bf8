// qrx-poster: the private helper that draws a page to print. stdin: the page, as src/poster/poster_page.h has it;
// stdout: the file.
//
// Started by write_poster (src/cli/recv/poster_file.h): libraries that lay out text load for longer than qrx-recv
// starts.
#include <unistd.h>

#include <cerrno>
#include <string>

#include "base/write_all.h"
#include "poster/page_drawing.h"
#include "poster/poster_page.h"

namespace {

bool read_all(std::string& out) {
  constexpr std::size_t most = 1 << 20;
  char buffer[8192];
  for (;;) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    out.append(buffer, static_cast<std::size_t>(got));
    if (out.size() > most) return false;
  }
}

}  // namespace

int main() {
  std::string bytes;
  if (!read_all(bytes)) return 1;
  const auto page = qrx::poster::from_bytes(bytes);
  if (!page) return 2;
  const auto drawn = qrx::poster::draw(*page);
  return drawn && qrx::write_all(STDOUT_FILENO, *drawn) ? 0 : 1;
}
