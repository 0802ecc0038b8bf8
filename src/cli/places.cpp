#include "cli/places.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace qrx::cli {
namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  // The XDG specification says to ignore relative paths.
  return value && value[0] == '/' ? value : "";
}

std::string home() {
  if (auto from_env = from_environment("HOME"); !from_env.empty()) return from_env;
  // Without HOME, as under some service managers.
  const passwd* user = ::getpwuid(::geteuid());
  return user && user->pw_dir && user->pw_dir[0] == '/' ? user->pw_dir : "";
}

}  // namespace

std::string config_path() {
  std::string base = from_environment("XDG_CONFIG_HOME");
  if (base.empty()) {
    base = home();
    if (base.empty()) return {};
    base += "/.config";
  }
  return base + "/qrx/config.toml";
}

std::string below_home(std::string path) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const std::string base = home();
  return base.empty() ? path : base + path.substr(1);
}

Result<std::string> state_dir() {
  if (auto base = from_environment("XDG_STATE_HOME"); !base.empty()) return base + "/qrx";
  const std::string base = home();
  if (base.empty())
    return fail(Kind::other, "there is no home directory to keep state in", "set XDG_STATE_HOME to a directory");
  return base + "/.local/state/qrx";
}

std::string receiving_dir() {
  const auto state = state_dir();
  return state ? *state + "/recv" : std::string();
}

}  // namespace qrx::cli
