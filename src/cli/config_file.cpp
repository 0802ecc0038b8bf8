#include "cli/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/unique_fd.h"

// Errors are values, as everywhere here.
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace qrx::cli {
namespace {

constexpr std::size_t most_bytes = 1U << 20;

std::string at_line(const toml::node& node) {
  return "line " + std::to_string(node.source().begin.line) + ": ";
}

Result<std::string> scalar(const toml::node& node, const std::string& key) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* truth = node.as_boolean()) return std::string(truth->get() ? "true" : "false");
  return fail(Kind::usage, at_line(node) + key + " must be a text, a whole number, true or false");
}

// Tables within tables get names with dots, as TOML writes them.
Result<void> add_table(const toml::table& table, const std::string& name, Config& config) {
  ConfigTable& out = config[name];
  for (const auto& [key_node, node] : table) {
    const std::string key(key_node.str());
    if (const auto* inner = node.as_table()) {
      if (auto added = add_table(*inner, name.empty() ? key : name + "." + key, config); !added) return added;
      continue;
    }
    if (const auto* array = node.as_array()) {
      auto& values = out[key];
      for (const auto& item : *array) {
        auto value = scalar(item, key);
        if (!value) return tl::unexpected(value.error());
        values.push_back(std::move(*value));
      }
      continue;
    }
    auto value = scalar(node, key);
    if (!value) return tl::unexpected(value.error());
    out[key] = {std::move(*value)};
  }
  return {};
}

}  // namespace

Result<Config> parse_config(std::string_view text) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed)
    return fail(Kind::usage, "line " + std::to_string(parsed.error().source().begin.line) + ": " +
                                 std::string(parsed.error().description()));
  Config config;
  if (auto added = add_table(parsed.table(), "", config); !added) return tl::unexpected(added.error());
  return config;
}

Result<Config> read_config(const std::string& path, bool required) {
  if (path.empty()) return Config{};
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    const int why = errno;
    // A file that may not even be looked for, in the home of somebody else (under sudo), is as good as none; one that
    // is there and cannot be read is an error, for it says what is wanted.
    struct stat status {};
    if (!required && ::stat(path.c_str(), &status) != 0) return Config{};
    return fail_errno("cannot read " + path, why);
  }
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::read(file.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("cannot read " + path);
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
    // 1 MiB: more is another file that was named by mistake.
    if (text.size() > most_bytes) return fail(Kind::usage, path + " is larger than 1 MiB: not a configuration");
  }
  auto config = parse_config(text);
  if (!config) return fail(Kind::usage, path + ": " + config.error().what);
  return config;
}

}  // namespace qrx::cli
