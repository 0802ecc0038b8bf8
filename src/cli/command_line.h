// A command line split by the option table. What values mean is decided afterwards, by rules that hold for the
// environment and the configuration as well. Only the .cpp names CLI11.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/option_table.h"

namespace qrx::cli {

struct CommandLine {
  // By option name, without dashes; those of a flag are "true" and "false".
  std::map<std::string, std::vector<std::string>> values;
  std::vector<std::string> arguments;
  std::optional<std::size_t> command;  // which of the table's
};

// Kind::usage in words for people, with what may have been meant.
Result<CommandLine> read_command_line(const OptionTable& table, bool takes_arguments, int argc, char** argv);

// How people name an option in a message: "--output".
std::string shown(const Option& option);

}  // namespace qrx::cli
