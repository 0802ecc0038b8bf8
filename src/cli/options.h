// What a tool can be told: its options, read from the command line, the environment (QRX_<LONG_NAME>) and the
// configuration file, in this order of strength; its help, version and completions.
//
//   Options options({.tool = "qrx-recv", .summary = "…", .usage = {"[OPTION]..."}});
//   options.group("Saving");
//   options.text("output", 'o', "PATH", "a directory, …", output);
//   if (auto ended = options.parse(argc, argv)) return *ended;
//
// Targets keep their value (the default) when nobody names the option. They must outlive parse().
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/option_table.h"
#include "wire/link.h"

namespace qrx::cli {

// The options that all tools have.
struct Common {
  bool quiet = false;
  int verbose = 0;
  bool no_progress = false;
  bool json = false;
  std::optional<wire::Origin> server;
};

class Options {
 public:
  explicit Options(About about);

  void group(std::string heading);  // of the options that follow

  void flag(std::string name, char letter, std::string help, bool& target);
  void count(std::string name, char letter, std::string help, int& target);
  void toggle(std::string name, std::string help, std::optional<bool>& target);  // --qr and --no-qr
  void text(std::string name, char letter, std::string value, std::string help, std::string& target,
            Completes completes = Completes::nothing);
  void text(std::string name, char letter, std::string value, std::string help, std::optional<std::string>& target,
            Completes completes = Completes::nothing);
  void texts(std::string name, char letter, std::string value, std::string help, std::vector<std::string>& target,
             Completes completes = Completes::nothing);
  void choice(std::string name, char letter, std::vector<std::string> choices, std::string help, std::string& target);
  void duration(std::string name, char letter, std::string help, std::optional<Seconds>& target);
  // --wait and --wait=DUR.
  void duration_or_flag(std::string name, std::string help, bool& chosen, std::optional<Seconds>& target);
  void size(std::string name, char letter, std::string help, std::optional<std::uint64_t>& target);
  void number(std::string name, char letter, std::string help, std::optional<std::uint64_t>& target,
              std::uint64_t least = 0);
  void url(std::string name, char letter, std::string help, std::optional<wire::Origin>& target);
  void common(Common& target,
              bool with_server);  // -q -v --no-progress --json and, for clients, -s; -h and -V are always there

  // The variable that sets the option, when another tool means something else by the usual one.
  void rename_variable(std::string_view name, std::string variable);

  void arguments(std::string value, std::vector<std::string>& target, Completes completes);  // any number
  void command(std::string name, std::string help, bool& chosen);  // qrx-serve sweep; takes the options of the tool

  // Another file than config_path(): --config FILE, with the path that is read when nobody names one. All of its
  // top-level keys must be options. Without this call the user's file is read: there the top level is shared by all
  // tools, and a table named as the tool without "qrx-" ([recv]) is its own, stronger, and strictly checked.
  void own_config(std::string default_path);
  const Config& config() const { return config_; }  // the whole file, after parse()

  // An exit code when the tool is to end now: help, version and completions were printed, or a mistake was reported.
  std::optional<int> parse(int argc, char** argv);

  bool on_command_line(std::string_view name) const;  // rather than from environment or file; after parse()

  // For mistakes that only the tool can see: says it with the hint to --help, gives exit code 2.
  int usage_error(std::string_view what) const;
  int usage_error(const Error& error) const;

  const OptionTable& table() const { return table_; }

 private:
  using Take = std::function<Result<void>(const std::vector<std::string>&)>;
  Option& add(std::string name, char letter, std::string value, std::string help,
              Take take);  // in the group that is current
  void add_asking();
  std::optional<int> answer(const CommandLine& given) const;
  Result<void> take_all(const CommandLine& given);
  Result<void> load_config(const CommandLine& given);

  OptionTable table_;
  std::string group_;
  std::vector<bool*> chosen_;  // as table_.commands
  std::vector<std::string>* arguments_ = nullptr;
  std::optional<std::string> own_config_default_;
  std::optional<std::string> own_config_path_;
  Config config_;
  std::vector<std::string> on_command_line_;
};

// "1", "true", "yes", "on" and "0", "false", "no", "off", in any case.
std::optional<bool> parse_truth(std::string_view text);

}  // namespace qrx::cli
