// Where the value of an option comes from: the command line is stronger than the environment, and that than the
// configuration.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command_line.h"
#include "cli/config_file.h"
#include "cli/option_table.h"

namespace qrx::cli {

// What an option is given, by the first of command line, environment and configuration that says something of it.
struct Said {
  std::vector<std::string> values;  // none: nothing is said
  std::string source;               // as messages name it
  bool negated = false;             // by its opposite, "no-..."
  bool by_config = false;
};

// `config`: the values that hold for this tool. Kind::usage when that has several for an option that takes one.
Result<Said> said_of(const Option& option, const CommandLine& given, const ConfigTable& config);

}  // namespace qrx::cli
