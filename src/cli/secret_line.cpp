#include "cli/secret_line.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "base/unique_fd.h"

namespace qrx::cli {
namespace {

constexpr std::size_t most_bytes = 4096;

// Byte by byte: what follows the line on stdin belongs to somebody else.
Result<std::string> first_line(int fd, const std::string& name) {
  std::string line;
  while (line.size() < most_bytes) {
    char byte = 0;
    const ssize_t got = ::read(fd, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + name);
    if (got == 0 || byte == '\n') break;
    line += byte;
  }
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return std::string(trim(line));
}

}  // namespace

Result<std::string> secret_from_stdin() {
  return first_line(STDIN_FILENO, "standard input");
}

Result<std::string> secret_from_file(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return fail_errno("cannot read " + path);
  // As ssh(1) does with keys.
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)
    return fail(Kind::denied, path + " holds a secret that others can read", "chmod 600 " + path);
  return first_line(file.get(), path);
}

}  // namespace qrx::cli
