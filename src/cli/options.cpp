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

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "base/text.h"
#include "base/units.h"
#include "base/version.h"
#include "base/write_all.h"
#include "cli/addresses.h"
#include "cli/config_keys.h"
#include "cli/exit.h"
#include "cli/places.h"
#include "cli/std_streams.h"
#include "cli/user_messages.h"
#include "http/tls.h"

namespace qrx::cli {
namespace {

std::string variable_of(const std::string& option) {
  std::string name = "QRX_" + to_upper_ascii(option);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string variable_of(const Option& option) {
  return option.variable.empty() ? variable_of(option.name) : option.variable;
}

const char* set_in_environment(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  return value && *value ? value : nullptr;
}

// How people name it in a message: "--output".
std::string shown(const Option& option) {
  return "--" + option.name;
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

constexpr char bracket_mark = '\x01';

void remove_mark(std::string& word) {
  if (word.size() > 2 && word[0] == bracket_mark && word[1] == '[') word.erase(0, 1);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : std::string(between)) + word;
  return out;
}

}  // namespace

std::optional<bool> parse_truth(std::string_view text) {
  for (const auto* yes : {"1", "true", "yes", "on"})
    if (equal_ignoring_case(text, yes)) return true;
  for (const auto* no : {"0", "false", "no", "off"})
    if (equal_ignoring_case(text, no)) return false;
  return std::nullopt;
}

// What the command line held, by option name; the values of a flag are "true" and "false".
struct Options::Given {
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> arguments;
};

Options::Options(Tool tool) : tool_(std::move(tool)) {}

void Options::rename_variable(std::string_view name, std::string variable) {
  for (auto& option : options_)
    if (option.name == name) option.variable = std::move(variable);
}

void Options::group(std::string heading) {
  group_ = std::move(heading);
}

Option& Options::add(std::string name, char letter, std::string value, std::string help, Take take) {
  Option& option = options_.emplace_back();
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
  Option& option =
      add(std::move(name), letter, std::move(value), std::move(help), [&target](const auto& values) -> Result<void> {
        target = values.back();
        return {};
      });
  option.completes = completes;
}

void Options::text(std::string name, char letter, std::string value, std::string help,
                   std::optional<std::string>& target, Completes completes) {
  Option& option =
      add(std::move(name), letter, std::move(value), std::move(help), [&target](const auto& values) -> Result<void> {
        target = values.back();
        return {};
      });
  option.completes = completes;
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
  add(std::move(name), letter, "DUR", std::move(help), [&target](const auto& values) -> Result<void> {
    target = parse_duration(values.back());
    if (!target)
      return fail(Kind::usage, "'" + values.back() + "' is not a duration", "durations look like 90s, 15m, 12h or 3d");
    return {};
  });
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

void Options::url(std::string name, char letter, std::string help, std::optional<Origin>& target) {
  add(std::move(name), letter, "URL", std::move(help), [&target](const auto& values) -> Result<void> {
    auto origin = Origin::parse(with_scheme(values.back()));
    if (!origin) return tl::unexpected(origin.error());
    target = std::move(*origin);
    return {};
  });
}

void Options::common(Common& target, bool with_server) {
  if (with_server) url("server", 's', "the qrx-serve to use", target.server);
  group("General");
  flag("quiet", 'q', "print only errors and warnings", target.quiet);
  count("verbose", 'v', "say more; twice for more still", target.verbose);
  flag("no-progress", 0, "no progress line", target.no_progress);
  flag("json", 0, "one JSON object a line on stdout, for programs", target.json);
}

void Options::arguments(std::string value, std::vector<std::string>& target, Completes completes) {
  arguments_value_ = std::move(value);
  arguments_complete_ = completes;
  arguments_ = &target;
}

void Options::command(std::string name, std::string help, bool& chosen) {
  commands_.push_back({std::move(name), std::move(help)});
  chosen_.push_back(&chosen);
}

void Options::own_config(std::string default_path) {
  own_config_default_ = std::move(default_path);
  text("config", 0, "FILE", "the configuration file (default: " + *own_config_default_ + ")", own_config_path_,
       Completes::files);
}

Error Options::unknown_option(std::string_view given) const {
  const std::string_view name = given.substr(0, given.find('='));
  Error error{Kind::usage, "unknown option " + std::string(name), ""};
  std::vector<std::string> names;
  for (const auto& option : options_)
    if (!option.hidden) names.push_back(shown(option));
  if (name.size() < 4) return error;
  if (const auto meant = nearest(name, names); !meant.empty()) error.hint = "did you mean " + meant + "?";
  return error;
}

// CLI11 splits the command line; values are taken afterwards, by rules that hold for environment and file as well.
auto Options::read_command_line(int argc, char** argv) -> Result<Given> {
  CLI::App app;
  app.set_help_flag("");
  std::map<std::string, CLI::Option*> parsed;
  const CLI::callback_t keep = [](const CLI::results_t&) { return true; };
  for (const auto& option : options_) {
    std::string names = shown(option);
    if (option.letter) names = std::string("-") + option.letter + "," + names;
    if (option.value.empty()) {
      if (option.has_opposite) names += ",--no-" + option.name + "{false}";
      parsed[option.name] = app.add_flag(names)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    } else {
      parsed[option.name] = app.add_option(names, keep, "")
                                ->expected(1)
                                ->allow_extra_args(false)
                                ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    }
  }
  Given given;
  if (arguments_) app.add_option("arguments", given.arguments);
  std::vector<CLI::App*> commands;
  for (const auto& command : commands_) {
    commands.push_back(app.add_subcommand(command.name));
    commands.back()->set_help_flag("");
    commands.back()->fallthrough();
  }
  if (!commands.empty()) app.require_subcommand(0, 1);

  std::vector<std::string> words;  // CLI11 takes them from the back
  bool options_over = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    options_over = options_over || word == "--";
    // "--label=" means an empty value; CLI11 would take the next word.
    const bool named =
        !options_over && word.size() > 3 && word.compare(0, 2, "--") == 0 && word.find('=') == word.size() - 1;
    const std::string name = named ? word.substr(2, word.size() - 3) : "";
    if (named && parsed.count(name) != 0 && parsed[name]->get_expected_max() > 0) {
      words.push_back("--" + name);
      words.emplace_back();
    } else {
      // CLI11 takes "[a,b]" for two values: such a word travels with a mark in front.
      words.push_back(word.size() > 1 && word.front() == '[' && word.back() == ']' ? bracket_mark + word : word);
    }
  }
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::ArgumentMismatch&) {
    // The last word is an option without its value.
    std::string last = argv[argc - 1];
    for (const auto& option : options_)
      if (last == shown(option) ||
          (option.letter && last.size() > 1 && last[0] == '-' && last[1] != '-' && last.back() == option.letter))
        return fail(Kind::usage, shown(option) + " needs a value: " + option.value);
    return fail(Kind::usage, last + " needs a value");
  } catch (const CLI::ExtrasError&) {
    for (const auto& extra : app.remaining(true)) {
      if (extra.size() > 1 && extra[0] == '-') return tl::unexpected(unknown_option(extra));
      if (extra == "--") continue;
      return fail(Kind::usage, commands_.empty() ? "there is nothing to do with '" + extra + "'"
                                                 : "there is no command '" + extra + "'");
    }
    return fail(Kind::usage, "this is too much on the command line");
  } catch (const CLI::Error& error) {
    return fail(Kind::usage, error.what());
  }
  for (const auto& option : options_)
    if (parsed[option.name]->count() > 0) given.values[option.name] = parsed[option.name]->results();
  for (auto& [name, values] : given.values)
    for (auto& value : values) remove_mark(value);
  for (auto& argument : given.arguments) remove_mark(argument);
  for (std::size_t i = 0; i < commands.size(); ++i)
    if (commands[i]->parsed()) *chosen_[i] = true;
  return given;
}

Result<void> Options::load_config(const Given& given) {
  std::string path;
  bool required = false;
  if (own_config_default_) {
    path = *own_config_default_;
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

  const std::string section = tool_.tool.substr(tool_.tool.find('-') + 1);
  const auto meant = [](const std::string& word) { return word.empty() ? "" : "did you mean " + word + "?"; };
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
  for (const auto& option : options_)
    if (!option.asks) {
      known.insert(option.name);
      if (option.has_opposite) known.insert("no-" + option.name);
    }
  for (const auto& [key, values] : strict) {
    if (known.count(key) == 0)
      return fail(Kind::usage, path + ": unknown option " + key + (own_config_default_ ? "" : " in [" + section + "]"),
                  meant(nearest(key, {known.begin(), known.end()})));
  }
  if (!own_config_default_)
    for (const auto& [key, values] : config_[""])
      if (known.count(key) == 0 && !is_shared_key(key))
        return fail(Kind::usage, path + ": unknown option " + key, meant(nearest_shared_key(key)));
  // What the tool's own table says is stronger than what stands at the top for all.
  if (!own_config_default_)
    for (const auto& [key, values] : strict) config_[""][key] = values;
  return {};
}

Result<void> Options::take_all(const Given& given) {
  for (const auto& option : options_) {
    std::vector<std::string> values;
    std::string source;
    bool negated = false;
    if (const auto found = given.values.find(option.name); found != given.values.end()) {
      values = found->second;
      source = shown(option);
    } else if (option.asks) {
      continue;
    } else if (const char* variable = set_in_environment(variable_of(option))) {
      values = {variable};
      source = variable_of(option);
    } else if (const char* opposite =
                   option.has_opposite ? set_in_environment(variable_of("no-" + option.name)) : nullptr) {
      values = {opposite};
      source = variable_of("no-" + option.name);
      negated = true;
    } else if (const auto& top = config_[""];
               top.count(option.name) != 0 || (option.has_opposite && top.count("no-" + option.name) != 0)) {
      negated = top.count(option.name) == 0;
      const std::string key = (negated ? "no-" : "") + option.name;
      values = top.at(key);
      source = "configuration: " + key;
      if (values.size() > 1 && !option.repeatable) return fail(Kind::usage, source + " takes one value");
    }
    if (values.empty()) continue;
    if (option.completes != Completes::nothing && source.starts_with("configuration: "))
      for (auto& value : values) value = below_home(value);  // no shell has seen it
    if (negated)
      if (const auto truth = parse_truth(values.back())) values.back() = *truth ? "false" : "true";
    if (auto taken = option.take(values); !taken)
      return fail(Kind::usage, source + ": " + taken.error().what, taken.error().hint);
  }
  return {};
}

void Options::add_asking() {
  group("General");
  const Take nothing = [](const auto&) -> Result<void> { return {}; };
  add("help", 'h', "", "show this help", nothing).asks = true;
  add("version", 'V', "", "show the version", nothing).asks = true;
  Option& completion = add("completion", 0, "bash|zsh|fish", "", nothing);
  completion.asks = completion.hidden = true;
}

std::optional<int> Options::answer(const Given& given) const {
  const auto print = [](std::string_view text) { return write_all(STDOUT_FILENO, text) ? exit_done : 1; };
  if (given.values.count("help") != 0) {
    winsize size{};
    const bool tty = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
    return print(help(tty ? std::clamp<std::size_t>(size.ws_col, 40, 100) : 80));
  }
  if (given.values.count("version") != 0)
    return print(tool_.tool + " " + version + "\nTLS: " + http::tls_library() + tool_.features + "\n");
  if (const auto found = given.values.find("completion"); found != given.values.end()) {
    const auto script = completion_script(*this, found->second.back());
    return script ? print(*script) : usage_error(script.error());
  }
  return std::nullopt;
}

std::optional<int> Options::parse(int argc, char** argv) {
  occupy_closed_streams();
  add_asking();
  const auto given = read_command_line(argc, argv);
  if (!given) return usage_error(given.error());
  // Help comes even when the configuration is broken.
  if (const auto answered = answer(*given)) return answered;
  if (auto loaded = load_config(*given); !loaded) return usage_error(loaded.error());
  if (auto taken = take_all(*given); !taken) return usage_error(taken.error());
  if (arguments_) *arguments_ = given->arguments;
  for (const auto& [name, values] : given->values) on_command_line_.push_back(name);
  return std::nullopt;
}

bool Options::on_command_line(std::string_view name) const {
  return std::find(on_command_line_.begin(), on_command_line_.end(), name) != on_command_line_.end();
}

int Options::usage_error(const Error& error) const {
  Messages(tool_.tool).warn(error.what, error.hint.empty() ? "try '" + tool_.tool + " --help'" : error.hint);
  return exit_usage;
}

int Options::usage_error(std::string_view what) const {
  return usage_error(Error{Kind::usage, std::string(what), ""});
}

}  // namespace qrx::cli
