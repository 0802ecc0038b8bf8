#include "cli/space/identities.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/private_files.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "cli/places.h"

namespace qrx::cli {
namespace {

constexpr std::size_t most_bytes = 16U << 10;
constexpr std::string_view key_start = "AGE-SECRET-KEY-1";
constexpr std::string_view expires_start = "# expires: ";

Result<std::string> directory() {
  auto state = state_dir();
  if (!state) return state;
  return *state + "/identities";
}

Result<std::string> path_of(const Guid& guid) {
  auto at = directory();
  if (!at) return at;
  return *at + "/" + guid.text() + ".key";
}

Result<std::string> read_private(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file) return fail_errno("cannot read " + path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return fail_errno("cannot read " + path);
  // As ssh(1) does with keys.
  if (S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
    return fail(Kind::denied, path + " holds a secret key, and others can read it", "chmod 600 " + path);
  // Opened without waiting, should it be a named pipe that nobody writes to; but of one that somebody does, as of
  // --identity <(pass show key), the key may take a while.
  if (!S_ISREG(status.st_mode)) (void)::fcntl(file.get(), F_SETFL, 0);
  // At its full size at once: a string that grows would leave copies of the key behind.
  std::string text(most_bytes, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  text.resize(size);
  return text;
}

// The first line that is no comment.
Result<SharedIdentity> parse(const std::string& text, const std::string& what) {
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = trim(std::string_view(text).substr(at, end - at));
    at = end + 1;
    if (line.empty() || line.front() == '#') continue;
    auto identity = seal::Identity::parse(line);
    if (!identity) return fail(Kind::usage, what + ": " + identity.error().what, identity.error().hint);
    return std::make_shared<const seal::Identity>(std::move(*identity));
  }
  return fail(Kind::usage, what + ": there is no secret key in it");
}

constexpr Seconds long_expired{90 * 86400};  // whether a space has expired is the server's to say: clocks differ

void remove_expired(const std::string& at, WallTime now) {
  // Called when a key is kept: nothing else cleans this directory up.
  for (const std::string& path : entries_of(at)) {
    if (!path.ends_with(".key")) continue;
    auto text = read_private(path);
    if (!text) continue;
    const auto from = text->find(expires_start);
    const auto end = text->find('\n', from);
    const auto begin = from + expires_start.size();
    const auto expires = from == std::string::npos || end == std::string::npos
                             ? std::nullopt
                             : from_rfc3339(std::string_view(*text).substr(begin, end - begin));
    // The key was in it.
    seal::wipe(*text);
    std::error_code ignored;
    if (expires && *expires + long_expired < now) std::filesystem::remove(path, ignored);
  }
}

}  // namespace

Result<void> keep_identity(const Guid& guid, const seal::Identity& identity, WallTime expires, WallTime now) {
  const auto at = directory();
  if (!at) return tl::unexpected(at.error());
  if (auto made = make_private_directories(*at); !made) return made;
  remove_expired(*at, now);
  const auto path = path_of(guid);
  std::string key = identity.text();
  std::string text(std::string(expires_start) + to_rfc3339(expires) + "\n# public key: " + identity.recipient().text() +
                   "\n");
  text.reserve(text.size() + key.size() + 1);  // so that no copy stays behind
  text += key;
  text += '\n';
  auto written = replace_private_file(*path, text);
  seal::wipe(key);
  seal::wipe(text);
  return written;
}

Result<void> forget_identity(const Guid& guid) {
  const auto path = path_of(guid);
  if (!path) return tl::unexpected(path.error());
  return remove_private_file(*path);
}

Result<SharedIdentity> kept_identity(const Guid& guid) {
  const auto path = path_of(guid);
  if (!path) return SharedIdentity{};  // without a home there is no state
  if (::access(path->c_str(), F_OK) != 0) return SharedIdentity{};
  auto text = read_private(*path);
  if (!text) return tl::unexpected(text.error());
  auto identity = parse(*text, *path);
  seal::wipe(*text);
  return identity;
}

bool looks_like_identity(const std::string& text) {
  return text.size() >= key_start.size() &&
         equal_ignoring_case(std::string_view(text).substr(0, key_start.size()), key_start);
}

Result<SharedIdentity> given_identity(const std::string& file_or_text, bool text_too) {
  if (looks_like_identity(file_or_text)) {
    // ps(1) and the shell's history show it.
    if (!text_too)
      return fail(Kind::usage,
                  "--identity: a secret key does not belong on the command line, where everyone can read it",
                  "name a file of mode 0600, or set QRX_IDENTITY");
    return parse(file_or_text, "QRX_IDENTITY");
  }
  auto text = read_private(file_or_text);
  if (!text) return tl::unexpected(text.error());
  auto identity = parse(*text, file_or_text);
  seal::wipe(*text);
  return identity;
}

}  // namespace qrx::cli
