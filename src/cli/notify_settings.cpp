#include "cli/notify_settings.h"

#include "cli/places.h"
#include "notify/settings.h"

namespace qrx::cli {
namespace {

constexpr std::string_view prefix = "notify.";
constexpr std::string_view command_prefix = "exec.";

Result<void> read_top(const ConfigTable& table, notify::Settings& settings) {
  for (const auto& [key, values] : table) {
    if (notify::is_limit(key) && values.size() == 1) {
      settings.limits[key] = values.front();
      continue;
    }
    if (key != "allow_private") return fail(Kind::usage, "notify: unknown key " + key);
    // One truth for all private addresses, or a list of networks.
    if (values.size() == 1 && (values.front() == "true" || values.front() == "false"))
      settings.private_addresses = values.front() == "true";
    else
      settings.allowed_networks = values;
  }
  return {};
}

// A list travels as lines (notify::list_of).
std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) out += (out.empty() ? "" : "\n") + value;
  return out;
}

}  // namespace

Result<notify::Settings> notify_settings(const Config& config) {
  notify::Settings settings;
  for (const auto& [name, table] : config) {
    if (name == "notify") {
      if (auto read = read_top(table, settings); !read) return tl::unexpected(read.error());
    }
    if (!name.starts_with(prefix)) continue;
    const std::string transport = name.substr(prefix.size());
    const bool is_command = transport.starts_with(command_prefix);
    // [notify.exec.NAME] alone makes a table "notify.exec" too, an empty one: it says nothing.
    if (transport == "exec" && table.empty()) continue;
    auto& out = settings.transports[transport];
    for (const auto& [key, values] : table) {
      if (is_command && key == "command")
        settings.commands[transport.substr(command_prefix.size())] = values;
      else
        // "~" in the file names of the operator; others, such as a URL, stay.
        out[key] = key.ends_with("_file") ? below_home(joined(values)) : joined(values);
    }
  }
  if (auto checked = notify::check_settings(settings); !checked) return tl::unexpected(checked.error());
  return settings;
}

}  // namespace qrx::cli
