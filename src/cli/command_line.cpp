#include "cli/command_line.h"

#include <algorithm>
#include <string_view>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "cli/config_keys.h"

namespace qrx::cli {
namespace {

constexpr char bracket_mark = '\x01';

void remove_mark(std::string& word) {
  if (word.size() > 2 && word[0] == bracket_mark && word[1] == '[') word.erase(0, 1);
}

Error unknown_option(const OptionTable& table, std::string_view given) {
  const std::string_view name = given.substr(0, given.find('='));
  Error error{Kind::usage, "unknown option " + std::string(name), ""};
  std::vector<std::string> names;
  for (const auto& option : table.options)
    if (!option.hidden) names.push_back(shown(option));
  // A short word is near to many others.
  if (name.size() < 4) return error;
  if (const auto meant = nearest(name, names); !meant.empty()) error.hint = "did you mean " + meant + "?";
  return error;
}

class Splitter {
 public:
  Splitter(const OptionTable& table, bool takes_arguments) : table_(table) {
    app_.set_help_flag("");
    for (const auto& option : table.options) declare(option);
    if (takes_arguments) app_.add_option("arguments", out_.arguments);
    for (const auto& command : table.commands) {
      commands_.push_back(app_.add_subcommand(command.name));
      commands_.back()->set_help_flag("");
      commands_.back()->fallthrough();
    }
    if (!commands_.empty()) app_.require_subcommand(0, 1);
  }

  Result<CommandLine> split(int argc, char** argv) {
    auto words = prepared(argc, argv);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the back
    try {
      app_.parse(words);
    } catch (const CLI::ArgumentMismatch&) {
      return tl::unexpected(without_value(argv[argc - 1]));
    } catch (const CLI::ExtrasError&) {
      return tl::unexpected(too_much());
    } catch (const CLI::Error& error) {
      return fail(Kind::usage, error.what());
    }
    for (const auto& option : table_.options)
      if (parsed_[option.name]->count() > 0) out_.values[option.name] = parsed_[option.name]->results();
    for (auto& [name, values] : out_.values)
      for (auto& value : values) remove_mark(value);
    for (auto& argument : out_.arguments) remove_mark(argument);
    for (std::size_t i = 0; i < commands_.size(); ++i)
      if (commands_[i]->parsed()) out_.command = i;
    return std::move(out_);
  }

 private:
  void declare(const Option& option) {
    std::string names = shown(option);
    if (option.letter) names = std::string("-") + option.letter + "," + names;
    if (option.value.empty()) {
      if (option.has_opposite) names += ",--no-" + option.name + "{false}";
      parsed_[option.name] = app_.add_flag(names)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
      return;
    }
    // Values are read after the split: the callback only says that they are right.
    const CLI::callback_t keep = [](const CLI::results_t&) { return true; };
    parsed_[option.name] = app_.add_option(names, keep, "")
                               ->expected(1)
                               ->allow_extra_args(false)
                               ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  // The words as CLI11 takes them for what people mean.
  std::vector<std::string> prepared(int argc, char** argv) {
    std::vector<std::string> words;
    bool options_over = false;
    for (int i = 1; i < argc; ++i) {
      const std::string word = argv[i];
      options_over = options_over || word == "--";
      // "--label=" means an empty value; CLI11 would take the next word.
      const bool named =
          !options_over && word.size() > 3 && word.compare(0, 2, "--") == 0 && word.find('=') == word.size() - 1;
      const std::string name = named ? word.substr(2, word.size() - 3) : "";
      if (named && parsed_.count(name) != 0 && parsed_[name]->get_expected_max() > 0) {
        words.push_back("--" + name);
        words.emplace_back();
      } else {
        // CLI11 takes "[a,b]" for two values: such a word travels with a mark in front.
        words.push_back(word.size() > 1 && word.front() == '[' && word.back() == ']' ? bracket_mark + word : word);
      }
    }
    return words;
  }

  // The last word is an option without its value.
  Error without_value(const std::string& last) const {
    for (const auto& option : table_.options)
      if (last == shown(option) ||
          // In one word of several letters ("-fo") the last letter is the one that lacks its value.
          (option.letter && last.size() > 1 && last[0] == '-' && last[1] != '-' && last.back() == option.letter))
        return {Kind::usage, shown(option) + " needs a value: " + option.value, {}};
    return {Kind::usage, last + " needs a value", {}};
  }

  Error too_much() const {
    for (const auto& extra : app_.remaining(true)) {
      if (extra.size() > 1 && extra[0] == '-') return unknown_option(table_, extra);
      if (extra == "--") continue;
      return {Kind::usage,
              table_.commands.empty() ? "unexpected argument '" + extra + "'" : "unknown command '" + extra + "'",
              {}};
    }
    return {Kind::usage, "too many arguments", {}};
  }

  const OptionTable& table_;
  CLI::App app_;
  std::map<std::string, CLI::Option*> parsed_;
  std::vector<CLI::App*> commands_;
  CommandLine out_;
};

}  // namespace

std::string shown(const Option& option) {
  return "--" + option.name;
}

Result<CommandLine> read_command_line(const OptionTable& table, bool takes_arguments, int argc, char** argv) {
  return Splitter(table, takes_arguments).split(argc, argv);
}

}  // namespace qrx::cli
