// The signals of a server: INT and TERM stop it, HUP makes it read its certificate and tokens again.
#pragma once

#include "base/unique_fd.h"
#include "serve/operations/daemon.h"

namespace qrx::cli {

// A descriptor from which they are read. Before any thread is started: those inherit that the signals are blocked.
UniqueFd take_signals();

// Does what they ask, in the calling thread, until `ended` becomes readable: the serving thread has ended. A server
// that does not stop within ten seconds is ended with the process.
void obey_signals(serve::Daemon& daemon, const UniqueFd& signals, const UniqueFd& ended);

}  // namespace qrx::cli
