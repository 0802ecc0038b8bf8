#include "base/write_all.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace qrx {

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};  // a terminal shared with a program that made it non-blocking
      if (::poll(&ready, 1, -1) < 0 && errno != EINTR) return false;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

Result<void> write_all(int fd, std::string_view text, const std::string& path) {
  if (!write_all(fd, text)) return fail_errno("cannot write " + path);
  return {};
}

}  // namespace qrx
