// Runs a program of the operator's configuration for one notice: by its arguments, never through a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "notify/notice.h"

namespace qrx::notify {

// `input` goes to its stdin; of what it prints, the last line becomes the reason of a failure. Exit 0 is sent, 75
// (EX_TEMPFAIL of sysexits.h) later, anything else failed; ended by a signal or after `limit` (then it and all it
// started are killed) unknown. A program that cannot be started: failed. SIGPIPE must be ignored.
Outcome run_command(const std::vector<std::string>& command, std::string_view input, Seconds limit);

}  // namespace qrx::notify
