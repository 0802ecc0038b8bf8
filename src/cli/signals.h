// Signals that end a tool: noticed at once, acted on where it is safe, told in the exit code (128+n).
#pragma once

#include <csignal>

namespace qrx::cli {

// Takes SIGINT, SIGTERM and SIGHUP over, and ignores SIGPIPE and SIGXFSZ (they are errors of write(2)). A SIGHUP that
// the parent had ignored (nohup) stays ignored. The first signal is remembered, `stop` runs (in the handler: only what
// is async-signal-safe; may be null), and the tool ends in its own time. The second ends the process at once, after
// `restore` ran (also in the handler: puts the terminal back; may be null).
void take_over_signals(void (*stop)(), void (*restore)() = nullptr);

int ended_by();     // the signal that came, or 0
int ended_by_fd();  // readable from then on, for poll(2); -1 before take_over_signals

}  // namespace qrx::cli
