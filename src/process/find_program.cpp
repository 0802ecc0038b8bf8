#include "process/find_program.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string_view>

namespace qrx::process {

Result<std::string> find_own_program(const std::string& name) {
  std::error_code error;
  // Not argv[0], which the caller chooses.
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(Kind::other, "cannot find " + name + ": /proc/self/exe cannot be read");
  const auto here = self.parent_path();
  for (const auto& place : {here / name, here.parent_path() / "libexec" / "qrx" / name})
    if (::access(place.c_str(), X_OK) == 0) return place.string();
  return fail(Kind::other, "cannot find the program " + name + " beside " + self.string(),
              "install qrx completely, or run it from its build directory");
}

std::optional<std::string> find_in_path(const std::string& name) {
  const char* path = std::getenv("PATH");
  // As execvp(3) does without PATH, but without the current directory.
  std::string_view left = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  while (!left.empty()) {
    const auto colon = left.find(':');
    const std::string_view directory = left.substr(0, colon);
    left = colon == std::string_view::npos ? std::string_view{} : left.substr(colon + 1);
    if (!directory.starts_with('/')) continue;
    if (std::string found = std::string(directory) + "/" + name; ::access(found.c_str(), X_OK) == 0) return found;
  }
  return std::nullopt;
}

}  // namespace qrx::process
