// How a tool ends: the table of kinds of error and exit codes (EXIT STATUS in every manual page).
#pragma once

#include "base/result.h"

namespace qrx::cli {

constexpr int exit_done = 0;
constexpr int exit_usage = 2;
constexpr int exit_partly = 3;  // some files or recipients failed, others did not

int exit_code(Kind kind);
// 128+n, the shell's way of saying that a signal ended the tool.
constexpr int exit_code_of_signal(int signal) {
  return 128 + signal;
}

}  // namespace qrx::cli
