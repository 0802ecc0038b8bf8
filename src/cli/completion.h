// Completion scripts for bash, zsh and fish, made of the option table, so that they cannot miss an option.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/option_table.h"

namespace qrx::cli {

// Kind::usage for another shell.
Result<std::string> completion_script(const OptionTable& table, std::string_view shell);

}  // namespace qrx::cli
