#include "serve/operations/create_tokens.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "base/unique_fd.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_token_file_bytes = 1U << 20;

}  // namespace

Result<std::vector<Sha256Sum>> read_create_tokens(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("cannot read the token file " + path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("cannot read the token file " + path);
  // A pipe, as a shell's <(...), has no mode that means anything. On the open file: the name could lead elsewhere by
  // now.
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)
    return fail(Kind::usage, "the token file " + path + " can be read by others", "chmod 600 " + path);
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read the token file " + path);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > most_token_file_bytes) return fail(Kind::usage, "the token file " + path + " is over 1 MiB");
  }
  std::vector<Sha256Sum> hashes;
  for (std::string_view rest = text; !rest.empty();) {
    const auto end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    line = trim(line);
    if (!line.empty() && !line.starts_with('#')) hashes.push_back(sha256(as_bytes(line)));
  }
  if (hashes.empty()) return fail(Kind::usage, "the token file " + path + " holds no token");
  return hashes;
}

}  // namespace qrx::serve
