#include "s3/key_source.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/private_files.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace qrx::s3 {
namespace {

constexpr std::uint64_t most_bytes = 64U << 10;
// A store that refuses everything must not make us read the file at each request.
constexpr auto renewed_every = Seconds(10);

std::string from_environment(const char* name) {
  const char* value = ::getenv(name);
  return value == nullptr ? std::string() : value;
}

// As a header of HTTP can carry it.
bool is_plain(std::string_view text) {
  for (const char c : text)
    if (c <= ' ' || c > '~') return false;
  return true;
}

Result<Keys> checked(Keys keys, const std::string& where) {
  if (keys.access.empty() || keys.secret.empty())
    return fail(Kind::usage,
                where + " has no " + (keys.access.empty() ? "aws_access_key_id" : "aws_secret_access_key"));
  if (!is_plain(keys.access) || !is_plain(keys.secret) || !is_plain(keys.session))
    return fail(Kind::usage, where + " holds a malformed key");
  return keys;
}

Result<Keys> read_file(const std::string& path) {
  // O_NONBLOCK: a planted FIFO must not hang us.
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!fd || ::fstat(fd.get(), &info) != 0)
    return fail(Kind::usage, "cannot read " + path + ": " + std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return fail(Kind::usage, path + " is not a file");
  // On the open file: what is checked is what is read.
  if ((info.st_mode & 0077U) != 0)
    return fail(Kind::usage, "others may read " + path, "chmod 600 " + path + ", and replace the keys in it");
  const auto text = read_private_file(fd.get(), most_bytes);
  if (!text) return fail(Kind::usage, "cannot read " + path);
  auto keys = parse_keys(*text);
  if (!keys) return fail(Kind::usage, path + ": " + keys.error().what);
  return checked(std::move(*keys), path);
}

}  // namespace

Result<Keys> parse_keys(std::string_view text) {
  Keys keys;
  bool in_section = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = trim(text.substr(0, end));
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (line.ends_with('\r')) line = trim(line.substr(0, line.size() - 1));
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (line.starts_with('[')) {
      // The next section is of another profile.
      if (in_section || !keys.access.empty()) break;
      in_section = true;
      continue;
    }
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return fail(Kind::usage, "a line is not \"name = value\"");
    const std::string_view name = trim(line.substr(0, equals));
    const std::string value(trim(line.substr(equals + 1)));
    if (name == "aws_access_key_id") keys.access = value;
    if (name == "aws_secret_access_key") keys.secret = value;
    if (name == "aws_session_token") keys.session = value;
  }
  return keys;
}

Result<Keys> KeySource::read(const std::string& path) {
  if (!path.empty()) return read_file(path);
  // LoadCredential= of systemd.exec(5).
  if (const std::string directory = from_environment("CREDENTIALS_DIRECTORY"); !directory.empty()) {
    const std::string file = directory + "/s3-credentials";
    if (::access(file.c_str(), F_OK) == 0) return read_file(file);
  }
  Keys keys{from_environment("AWS_ACCESS_KEY_ID"), from_environment("AWS_SECRET_ACCESS_KEY"),
            from_environment("AWS_SESSION_TOKEN")};
  if (keys.access.empty() && keys.secret.empty())
    return fail(Kind::usage, "there are no keys for the S3 store",
                "name a file with --s3-credentials, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
  return checked(std::move(keys), "the environment");
}

Keys KeySource::current() const {
  const std::lock_guard lock(mutex_);
  return keys_;
}

bool KeySource::renew() {
  const std::lock_guard lock(mutex_);
  const Steady now = system_clock().steady();
  if (renewed_ != Steady{} && now - renewed_ < renewed_every) return false;
  renewed_ = now;
  auto read = KeySource::read(path_);
  // A file that is being replaced may be half there: the old keys stay, and the next refusal looks again.
  if (!read || (read->access == keys_.access && read->secret == keys_.secret && read->session == keys_.session))
    return false;
  keys_ = std::move(*read);
  return true;
}

}  // namespace qrx::s3
