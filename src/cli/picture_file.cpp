#include "cli/picture_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/unique_fd.h"
#include "base/write_all.h"

namespace qrx::cli {

Result<void> replace_picture_file(const std::string& path, std::string_view content) {
  // Written aside and renamed: whoever shows the picture never sees a half of it. Not synced: it can be made again.
  std::string part = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(part.data(), O_CLOEXEC));
  if (!file) return fail_errno("cannot write " + path);
  // What mkstemp made is for the owner only; a picture to be shown is an ordinary file.
  // The mask can only be read by setting it. No other thread creates files now.
  const mode_t mask = ::umask(0);
  ::umask(mask);
  if (!write_all(file.get(), content) || ::fchmod(file.get(), 0666 & ~mask) != 0 ||
      ::rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(part.c_str());
    return fail_errno("cannot write " + path, error);
  }
  return {};
}

}  // namespace qrx::cli
