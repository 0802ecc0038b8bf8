// The signals of a server: INT and TERM stop it, HUP makes it read its certificate and tokens again.
#pragma once

#include <thread>

#include "base/unique_fd.h"
#include "serve/operations/daemon.h"

namespace qrx::cli {

// A descriptor from which they are read. Before any thread is started: those inherit that the signals are blocked.
UniqueFd take_signals();

// While the daemon is made, which reads what may be large, slow or a pipe: INT and TERM end the process at once.
// Nothing is promised to anybody yet, and the next start repairs what this one has not. Throws std::system_error.
class StartingSignals {
 public:
  explicit StartingSignals(const UniqueFd& signals);
  ~StartingSignals() { end(); }
  StartingSignals(const StartingSignals&) = delete;
  StartingSignals& operator=(const StartingSignals&) = delete;
  bool end();  // true: HUP came meanwhile, and is still to be obeyed

 private:
  UniqueFd ended_;
  bool hung_up_ = false;  // the thread's, until it has ended
  std::thread thread_;
};

// Does what they ask, in the calling thread, until `ended` becomes readable: the serving thread has ended. A server
// that does not stop within ten seconds is ended with the process.
void obey_signals(serve::Daemon& daemon, const UniqueFd& signals, const UniqueFd& ended);

}  // namespace qrx::cli
