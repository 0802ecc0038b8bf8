// Running a command of the user's after a delivery (--exec).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace qrx::cli {

using Variables = std::vector<std::pair<std::string, std::string>>;

// sh -c COMMAND with the variables added to the environment and stdin from /dev/null; waits for its end. Its stdout
// goes to ours, or to stderr when ours belongs to data or events. Kind::other when it cannot be started, fails, or is
// killed. May be called while other threads run.
Result<void> run_hook(const std::string& command, const Variables& variables, bool stdout_to_stderr);

}  // namespace qrx::cli
