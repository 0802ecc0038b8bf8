// Where a program is: one of qrx's own, or one that others wrote.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"

namespace qrx::process {

// Beside the program that runs (the build tree, /usr/bin), else in ../libexec/qrx from there.
Result<std::string> find_own_program(const std::string& name);

// In one of the directories of PATH. Relative ones are passed over: a program in the directory where somebody happens
// to stand is not meant.
std::optional<std::string> find_in_path(const std::string& name);

}  // namespace qrx::process
