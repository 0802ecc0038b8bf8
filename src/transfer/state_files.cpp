#include "transfer/state_files.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/write_all.h"

namespace qrx::transfer {

Result<void> make_private_directories(const std::string& path) {
  for (std::size_t at = path.find('/', 1);; at = path.find('/', at + 1)) {
    const std::string front = path.substr(0, at);
    if (::mkdir(front.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("cannot make the directory " + front);
    if (at == std::string::npos) return {};
  }
}

Result<void> write_state(int fd, std::string_view text, const std::string& path) {
  if (!write_all(fd, text)) return fail_errno("cannot write " + path);
  return {};
}

}  // namespace qrx::transfer
