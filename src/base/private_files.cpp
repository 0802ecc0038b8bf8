#include "base/private_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/unique_fd.h"
#include "base/write_all.h"

namespace qrx {

Result<void> make_private_directories(const std::string& path) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string front = path.substr(0, slash);
    if (::mkdir(front.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("cannot make the directory " + front);
    if (slash == std::string::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("cannot use the directory " + path);
  if (!S_ISDIR(info.st_mode)) return fail_errno("cannot use the directory " + path, ENOTDIR);
  return {};
}

Result<void> replace_private_file(const std::string& path, std::string_view text) {
  std::string part = path + ".XXXXXX";
  const UniqueFd file(::mkostemp(part.data(), O_CLOEXEC));  // mode 0600
  if (!file) return fail_errno("cannot write " + path);
  if (!write_all(file.get(), text) || ::fsync(file.get()) != 0 || ::rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(part.c_str());
    return fail_errno("cannot write " + path, error);
  }
  const UniqueFd directory(::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno("cannot write " + path);
  return {};
}

}  // namespace qrx
