#include "notify/transport_table.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/units.h"

namespace qrx::notify {
namespace {

constexpr std::size_t most_secret_bytes = 4096;

std::string home() {
  const char* value = std::getenv("HOME");
  return value ? value : "";
}

}  // namespace

Table::Table(const Settings& settings, std::string name) : name_(std::move(name)) {
  if (const auto found = settings.transports.find(name_); found != settings.transports.end()) values_ = found->second;
}

std::string Table::text(const std::string& key, std::string_view otherwise) const {
  const auto found = values_.find(key);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

bool Table::truth(const std::string& key, bool otherwise) const {
  return text(key, otherwise ? "true" : "false") == "true";
}

std::vector<std::string> Table::list(const std::string& key) const {
  return list_of(text(key));
}

Seconds Table::seconds(const std::string& key, Seconds otherwise) const {
  return has(key) ? parse_duration(text(key)).value_or(otherwise) : otherwise;
}

std::string Table::path(const std::string& key) const {
  const std::string written = text(key);
  return written.starts_with("~/") ? home() + written.substr(1) : written;
}

Result<std::string> Table::secret(const std::string& key) const {
  if (!has(key)) return std::string();
  const std::string path = this->path(key);
  const std::string about = "notify." + name_ + ": cannot read " + path;
  // O_NONBLOCK: a named pipe is found out, not waited for.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return fail_errno(about);
  struct stat facts {};
  if (::fstat(file.get(), &facts) != 0) return fail_errno(about);
  if (!S_ISREG(facts.st_mode)) return fail(Kind::other, about + ": not a file");
  // As ssh(1) does with keys: a password that others can read is theirs, too.
  if ((facts.st_mode & 077) != 0)
    return fail(Kind::denied, "notify." + name_ + ": others may read " + path, "chmod 600 " + path);
  std::string content(most_secret_bytes, '\0');
  ssize_t got = -1;
  do got = ::read(file.get(), content.data(), content.size());
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno(about);
  content.resize(static_cast<std::size_t>(got));
  // The first line, so that a final newline is no part of the password.
  content = std::string(trim(content.substr(0, content.find_first_of("\r\n"))));
  if (content.empty()) return fail(Kind::other, "notify." + name_ + ": " + path + " is empty");
  return content;
}

}  // namespace qrx::notify
