#include "transfer/state_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace qrx::transfer {

Result<void> make_private_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string front = path.substr(0, at);
    if (::mkdir(front.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("cannot make the directory " + front);
    if (at == std::string::npos) return {};
  }
}

Result<void> write_state(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("cannot write " + path);
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

}  // namespace qrx::transfer
