#include "base/private_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

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
  // Synced before it is renamed: the other way round, a power cut could leave the new name with nothing in it, and the
  // key or token that stood there before would be gone as well.
  if (!write_all(file.get(), text) || (::fsync(file.get()) != 0 && !cannot_sync(errno)) ||
      ::rename(part.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(part.c_str());
    return fail_errno("cannot write " + path, error);
  }
  // The rename itself is on the disk only with its directory.
  const UniqueFd directory(::open(path.substr(0, path.rfind('/') + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || (::fsync(directory.get()) != 0 && !cannot_sync(errno))) return fail_errno("cannot write " + path);
  return {};
}

Result<void> remove_private_file(const std::string& path) {
  // As replace_private_file() names them.
  const std::size_t size_of_part = path.size() + std::string_view(".XXXXXX").size();
  for (const auto& entry : entries_of(path.substr(0, path.rfind('/'))))
    if (entry.size() == size_of_part && entry.starts_with(path + ".")) static_cast<void>(::unlink(entry.c_str()));
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("cannot remove " + path);
  return {};
}

UniqueFd open_private_file(const std::string& path, int flags) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0600);
  while (fd < 0 && errno == EINTR);
  return UniqueFd(fd);
}

std::optional<std::string> read_private_file(int fd, std::uint64_t most) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || static_cast<std::uint64_t>(info.st_size) > most) return std::nullopt;
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  for (std::size_t at = 0; at < text.size();) {
    const ssize_t got = ::pread(fd, text.data() + at, text.size() - at, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    at += static_cast<std::size_t>(got);
  }
  return text;
}

std::optional<std::string> read_private_file(const std::string& path, std::uint64_t most) {
  // Not waiting for a writer, should it be a pipe.
  const UniqueFd file = open_private_file(path, O_RDONLY | O_NONBLOCK);
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return read_private_file(file.get(), most);
}

Result<void> read_new_lines(int fd, std::uint64_t& at, std::size_t longest,
                            const std::function<void(std::string_view line)>& take) {
  std::vector<char> buffer(std::max<std::size_t>(64U << 10, 2 * longest));
  // The rest of a line that is too long: `at` is within it when its end had not come yet at the last call.
  char before = '\n';
  bool passing_over = at > 0 && ::pread(fd, &before, 1, static_cast<off_t>(at - 1)) == 1 && before != '\n';
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read");
    std::string_view text(buffer.data(), static_cast<std::size_t>(got));
    std::size_t done = 0;
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', done)) {
      const std::string_view line = text.substr(done, end - done);
      if (!passing_over && line.size() <= longest) take(line);
      passing_over = false;
      done = end + 1;
    }
    // No end of the line yet. With more than `longest` bytes it is passed over at once, so that the buffer always has
    // room for the next; a shorter one is read again by the next call, when its writer has finished it.
    if (text.size() - done > longest) {
      passing_over = true;
      done = text.size();
    }
    at += done;
    if (done == 0) return {};
  }
}

std::string appended(std::string_view lines) {
  std::string text = "\n";
  text += lines;
  if (!lines.ends_with('\n')) text += '\n';
  return text;
}

std::vector<std::string> entries_of(const std::string& directory) {
  std::vector<std::string> paths;
  std::error_code error;
  // Not by a range-for, whose step throws.
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    paths.push_back(at->path().string());
  return paths;
}

bool cannot_sync(int error) {
  return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP || error == EBADF || error == EPERM ||
         error == EACCES;
}

void sync_directory(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems (FUSE, some network ones) refuse to sync a directory. Then this is all that can be done.
  if (fd) static_cast<void>(::fsync(fd.get()));
}

}  // namespace qrx
