#include "store/paths.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

namespace qrx::store {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<void> make_directories(const std::string& path) {
  if (path.empty()) return fail(Kind::usage, "the name of a directory is empty");
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    // EEXIST may be a file, or a link to a directory: stat() tells at the end.
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      // A parent that is there may be unwritable or on a read-only file system.
      struct stat status {};
      const int error = errno;
      if (::stat(part.c_str(), &status) != 0 || !S_ISDIR(status.st_mode))
        return fail_errno("cannot make the directory " + part, error);
    }
    if (slash == std::string::npos) break;
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail_errno("cannot use the directory " + path);
  if (!S_ISDIR(status.st_mode)) return fail_errno("cannot use the directory " + path, ENOTDIR);
  return {};
}

Result<void> make_file(const std::string& path) {
  // O_NONBLOCK: a planted FIFO must not hang us.
  const UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
  if (!fd) return fail_errno("cannot open " + path);
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return fail_errno("cannot open " + path);
  if (!S_ISREG(status.st_mode)) return fail(Kind::other, "cannot open " + path + ": not a file");
  return {};
}

Result<UniqueFd> open_directory_at(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST)
    return fail_errno("cannot make the directory " + name);
  UniqueFd fd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open the directory " + name);
  return fd;
}

Result<UniqueFd> open_directory(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno("cannot open the directory " + path);
  return fd;
}

Result<void> sync_directory(int fd, const std::string& name) {
  // A directory's fsync makes the names in it durable (fsync(2)); that of a file does not.
  while (::fsync(fd) != 0)
    if (errno != EINTR) return fail_errno("cannot sync the directory " + name);
  return {};
}

Result<void> sync_parent(const std::string& path) {
  const std::string parent = parent_of(path);
  auto fd = open_directory(parent);
  if (!fd) return tl::unexpected(fd.error());
  return sync_directory(fd->get(), parent);
}

}  // namespace qrx::store
