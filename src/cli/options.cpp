#include "cli/options.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <iostream>
#include <map>
#include <set>

#include "base/text.h"
#include "base/units.h"
#include "base/version.h"
#include "base/write_all.h"
#include "cli/addresses.h"
#include "cli/command_line.h"
#include "cli/completion.h"
#include "cli/config_keys.h"
#include "cli/exit.h"
#include "cli/help.h"
#include "cli/option_sources.h"
#include "cli/places.h"
#include "cli/std_streams.h"
#include "cli/user_messages.h"
#include "http/tls.h"

namespace qrx::cli {
namespace {

Result<void> take_duration(const std::string& text, std::optional<Seconds>& target) {
  if (target = parse_duration(text); target) return {};
  return fail(Kind::usage, "'" + text + "' is not a duration", "durations look like 90s, 15m, 12h or 3d, up to 3650d");
}

Result<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty())
    return fail(Kind::usage, "'" + text + "' is not a whole number");
  return value;
}

// "127.0.0.1:8460" is meant as people type it into a browser: plain HTTP nearby, HTTPS elsewhere.
std::string with_scheme(std::string_view url) {
  url = trim(url);
  if (url.find("://") != std::string_view::npos || url.empty()) return std::string(url);
  std::string_view host = url.substr(0, url.find('/'));
  if (host.starts_with('['))
    host = host.substr(1, host.find(']') - 1);
  else
    host = host.substr(0, host.find(':'));
  return (is_private_host(to_lower_ascii(host)) ? "http://" : "https://") + std::string(url);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

// The last one counts: a later option overrides an earlier one. The target outlives the options.
template <class Target>
auto last_into(Target& target) {
  return [&target](const std::vector<std::string>& values) -> Result<void> {
    target = values.back();
    return {};
  };
}

std::string meant(const std::string& word) {
  return word.empty() ? "" : "did you mean " + word + "?";
}

}  // namespace

std::optional<bool> parse_truth(std::string_view text) {
  for (const auto* yes : {"1", "true", "yes", "on"})
    if (equal_ignoring_case(text, yes)) return true;
  for (const auto* no : {"0", "false", "no", "off"})
    if (equal_ignoring_case(text, no)) return false;
  return std::nullopt;
}

Options::Options(About about) : table_{std::move(about), {}, {}, {}} {}

void Options::rename_variable(std::string_view name, std::string variable) {
  for (auto& option : table_.options)
    if (option.name == name) option.variable = std::move(variable);
}

void Options::group(std::string heading) {
  group_ = std::move(heading);
}

Option& Options::add(std::string name, char letter, std::string value, std::string help, Take take) {
  Option& option = table_.options.emplace_back();
  option.name = std::move(name);
  option.letter = letter;
  option.value = std::move(value);
  option.help = std::move(help);
  option.group = group_;
  option.take = std::move(take);
  return option;
}

void Options::flag(std::string name, char letter, std::string help, bool& target) {
  add(std::move(name), letter, "", std::move(help), [&target](const auto& values) -> Result<void> {
    const auto truth = parse_truth(values.back());
    if (!truth) return fail(Kind::usage, "'" + values.back() + "' is neither 1 nor 0");
    target = *truth;
    return {};
  });
}

void Options::count(std::string name, char letter, std::string help, int& target) {
  Option& option = add(std::move(name), letter, "", std::move(help), [&target](const auto& values) -> Result<void> {
    int total = 0;
    for (const auto& value : values) {
      if (const auto truth = parse_truth(value)) {
        total += *truth ? 1 : 0;
        continue;
      }
      const auto number = whole_number(value);
      if (!number || *number > 9) return fail(Kind::usage, "'" + value + "' is not a number from 0 to 9");
      total += static_cast<int>(*number);
    }
    target = total;
    return {};
  });
  option.repeatable = true;
}

void Options::toggle(std::string name, std::string help, std::optional<bool>& target) {
  Option& option = add(std::move(name), 0, "", std::move(help), [&target](const auto& values) -> Result<void> {
    target = parse_truth(values.back());
    if (!target) return fail(Kind::usage, "'" + values.back() + "' is neither 1 nor 0");
    return {};
  });
  option.has_opposite = true;
}

void Options::text(std::string name, char letter, std::string value, std::string help, std::string& target,
                   Completes completes) {
  add(std::move(name), letter, std::move(value), std::move(help), last_into(target)).completes = completes;
}

void Options::text(std::string name, char letter, std::string value, std::string help,
                   std::optional<std::string>& target, Completes completes) {
  add(std::move(name), letter, std::move(value), std::move(help), last_into(target)).completes = completes;
}

void Options::texts(std::string name, char letter, std::string value, std::string help,
                    std::vector<std::string>& target, Completes completes) {
  Option& option =
      add(std::move(name), letter, std::move(value), std::move(help), [&target](const auto& values) -> Result<void> {
        target = values;
        return {};
      });
  option.completes = completes;
  option.repeatable = true;
}

void Options::choice(std::string name, char letter, std::vector<std::string> choices, std::string help,
                     std::string& target) {
  Option& option = add(std::move(name), letter, joined(choices, "|"), std::move(help),
                       [&target, choices](const auto& values) -> Result<void> {
                         if (std::find(choices.begin(), choices.end(), values.back()) == choices.end())
                           return fail(Kind::usage, "'" + values.back() + "' is not one of " + joined(choices, ", "));
                         target = values.back();
                         return {};
                       });
  option.choices = std::move(choices);
}

void Options::duration(std::string name, char letter, std::string help, std::optional<Seconds>& target) {
  add(std::move(name), letter, "DUR", std::move(help),
      [&target](const auto& values) -> Result<void> { return take_duration(values.back(), target); });
}

void Options::duration_or_flag(std::string name, std::string help, bool& chosen, std::optional<Seconds>& target) {
  Option& option = add(std::move(name), 0, "", std::move(help), [&chosen, &target](const auto& values) -> Result<void> {
    const auto truth = parse_truth(values.back());  // "--wait" and "--wait=10m"; in the environment also "1"
    chosen = truth.value_or(true);
    return truth ? Result<void>{} : take_duration(values.back(), target);
  });
  option.optional_value = "DUR";
}

void Options::size(std::string name, char letter, std::string help, std::optional<std::uint64_t>& target) {
  add(std::move(name), letter, "SIZE", std::move(help), [&target](const auto& values) -> Result<void> {
    target = parse_size(values.back());
    if (!target) return fail(Kind::usage, "'" + values.back() + "' is not a size", "sizes look like 500K, 10M or 2G");
    return {};
  });
}

void Options::number(std::string name, char letter, std::string help, std::optional<std::uint64_t>& target,
                     std::uint64_t least) {
  add(std::move(name), letter, "N", std::move(help), [&target, least](const auto& values) -> Result<void> {
    const auto value = whole_number(values.back());
    if (!value) return tl::unexpected(value.error());
    if (*value < least) return fail(Kind::usage, "must be at least " + std::to_string(least));
    target = *value;
    return {};
  });
}

void Options::url(std::string name, char letter, std::string help, std::optional<wire::Origin>& target) {
  add(std::move(name), letter, "URL", std::move(help), [&target](const auto& values) -> Result<void> {
    auto origin = wire::Origin::parse(with_scheme(values.back()));
    if (!origin) return tl::unexpected(origin.error());
    target = std::move(*origin);
    return {};
  });
}

void Options::common(Common& target, bool with_server) {
  if (with_server) url("server", 's', "use this qrx-serve", target.server);
  group("General");
  flag("quiet", 'q', "print only errors and warnings", target.quiet);
  count("verbose", 'v', "print more details; twice for even more", target.verbose);
  flag("no-progress", 0, "show no progress", target.no_progress);
  flag("json", 0, "print one JSON object per line on stdout", target.json);
}

void Options::arguments(std::string value, std::vector<std::string>& target, Completes completes) {
  table_.arguments = std::move(value);
  table_.arguments_complete = completes;
  arguments_ = &target;
}

void Options::command(std::string name, std::string help, bool& chosen) {
  table_.commands.push_back({std::move(name), std::move(help)});
  chosen_.push_back(&chosen);
}

void Options::own_config(std::string default_path) {
  own_config_default_ = std::move(default_path);
  text("config", 0, "FILE", "configuration file (default: " + *own_config_default_ + ")", own_config_path_,
       Completes::files);
}

Result<void> Options::load_config(const CommandLine& given) {
  std::string path;
  bool required = false;
  if (own_config_default_) {
    path = *own_config_default_;  // need not be there; what QRX_CONFIG or --config names has to
    if (const char* named = std::getenv("QRX_CONFIG"); named && *named) {
      path = named;
      required = true;
    }
    if (const auto named = given.values.find("config"); named != given.values.end()) {
      path = named->second.back();
      required = true;
    }
  } else {
    path = config_path();
  }
  auto config = read_config(path, required);
  if (!config) return tl::unexpected(config.error());
  config_ = std::move(*config);

  const std::string section = table_.about.tool.substr(table_.about.tool.find('-') + 1);  // "recv" of "qrx-recv"
  for (const auto& [table, values] : config_) {
    const bool known_table = own_config_default_ ? table == "notify" || table.starts_with("notify.")
                                                 : table == section || is_shared_table(table);
    if (table.empty() || known_table) continue;
    const std::string near = own_config_default_ ? nearest(table, {"notify"}) : nearest_shared_table(table);
    return fail(Kind::usage, path + ": unknown table [" + table + "]", meant(near.empty() ? near : "[" + near + "]"));
  }
  if (config_.count("") == 0) return {};
  ConfigTable& strict = own_config_default_ ? config_[""] : config_[section];
  std::set<std::string> known;
  for (const auto& option : table_.options)
    if (!option.asks) {
      known.insert(option.name);
      if (option.has_opposite) known.insert("no-" + option.name);
    }
  for (const auto& [key, values] : strict) {  // in a table of its own a tool knows every key
    if (known.count(key) == 0)
      return fail(Kind::usage, path + ": unknown option " + key + (own_config_default_ ? "" : " in [" + section + "]"),
                  meant(nearest(key, {known.begin(), known.end()})));
  }
  if (!own_config_default_)
    for (const auto& [key, values] : config_[""])  // for all tools: a key that another one knows is passed over
      if (known.count(key) == 0 && !is_shared_key(key))
        return fail(Kind::usage, path + ": unknown option " + key, meant(nearest_shared_key(key)));
  // What the tool's own table says is stronger than what stands at the top for all.
  if (!own_config_default_)
    for (const auto& [key, values] : strict) config_[""][key] = values;
  return {};
}

Result<void> Options::take_all(const CommandLine& given) {
  for (const auto& option : table_.options) {
    auto said = said_of(option, given, config_[""]);
    if (!said) return tl::unexpected(said.error());
    std::vector<std::string>& values = said->values;
    if (values.empty()) continue;
    if (option.completes != Completes::nothing && said->by_config)
      for (auto& value : values) value = below_home(value);  // no shell has seen it
    if (said->negated)
      if (const auto truth = parse_truth(values.back())) values.back() = *truth ? "false" : "true";
    if (auto taken = option.take(values); !taken)
      return fail(Kind::usage, said->source + ": " + taken.error().what, taken.error().hint);
  }
  return {};
}

void Options::add_asking() {
  group("General");
  const Take nothing = [](const auto&) -> Result<void> { return {}; };
  add("help", 'h', "", "show this help", nothing).asks = true;
  add("version", 'V', "", "show the version", nothing).asks = true;
  Option& completion = add("completion", 0, "bash|zsh|fish", "", nothing);
  completion.asks = completion.hidden = true;  // for packagers, and in no help
}

std::optional<int> Options::answer(const CommandLine& given) const {
  const auto print = [](std::string_view text) { return write_all(STDOUT_FILENO, text) ? exit_done : 1; };
  if (given.values.count("help") != 0) {
    winsize size{};
    const bool tty = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return print(help_text(table_, tty ? std::clamp<std::size_t>(size.ws_col, 40, 100) : 80));
  }
  if (given.values.count("version") != 0)
    return print(table_.about.tool + " " + version + "\nTLS: " + http::tls_library() + table_.about.features + "\n");
  if (const auto found = given.values.find("completion"); found != given.values.end()) {
    const auto script = completion_script(table_, found->second.back());
    return script ? print(*script) : usage_error(script.error());
  }
  return std::nullopt;
}

std::optional<int> Options::parse(int argc, char** argv) {
  occupy_closed_streams();
  add_asking();
  const auto given = read_command_line(table_, arguments_ != nullptr, argc, argv);
  if (!given) return usage_error(given.error());
  // Help comes even when the configuration is broken.
  if (const auto answered = answer(*given)) return answered;
  if (auto loaded = load_config(*given); !loaded) return usage_error(loaded.error());
  if (auto taken = take_all(*given); !taken) return usage_error(taken.error());
  if (arguments_) *arguments_ = given->arguments;
  if (given->command) *chosen_[*given->command] = true;
  for (const auto& [name, values] : given->values) on_command_line_.push_back(name);
  return std::nullopt;
}

bool Options::on_command_line(std::string_view name) const {
  return std::find(on_command_line_.begin(), on_command_line_.end(), name) != on_command_line_.end();
}

int Options::usage_error(const Error& error) const {
  Messages(table_.about.tool)
      .warn(error.what, error.hint.empty() ? "try '" + table_.about.tool + " --help'" : error.hint);
  return exit_usage;
}

int Options::usage_error(std::string_view what) const {
  return usage_error(Error{Kind::usage, std::string(what), ""});
}

}  // namespace qrx::cli
