#include "cli/signals.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

#include "cli/exit.h"

namespace qrx::cli {
namespace {

constexpr int ending[] = {SIGINT, SIGTERM, SIGHUP};

std::atomic<int> caught{0};
std::atomic<void (*)()> on_stop{nullptr};
std::atomic<void (*)()> on_restore{nullptr};
int wake[2] = {-1, -1};

void handle(int signal) {
  const int before = errno;
  int none = 0;
  // The second signal: no more waiting for anything.
  if (!caught.compare_exchange_strong(none, signal)) {
    if (const auto restore = on_restore.load()) restore();
    ::_exit(exit_code_of_signal(signal));
  }
  // By a pipe: a poll(2) that begins just after the signal sees it, too.
  if (wake[1] >= 0) (void)!::write(wake[1], "", 1);
  if (const auto stop = on_stop.load()) stop();
  errno = before;
}

// nohup(1) asks for that. Shells ignore SIGINT for what a script starts with '&', but who then sends one means it.
bool keeps_ignored(int signal) {
  struct sigaction old {};
  return signal == SIGHUP && ::sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_IGN;
}

}  // namespace

void take_over_signals(void (*stop)(), void (*restore)()) {
  on_stop = stop;
  on_restore = restore;
  if (wake[0] < 0 && ::pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) wake[0] = wake[1] = -1;
  for (const int signal : ending) {
    if (keeps_ignored(signal)) continue;
    struct sigaction action {};
    action.sa_handler = handle;  // without SA_RESTART: a blocked read or poll must return
    ::sigemptyset(&action.sa_mask);
    ::sigaction(signal, &action, nullptr);
  }
  std::signal(SIGPIPE, SIG_IGN);
  // A file that grows over its limit is an error of write(2).
  std::signal(SIGXFSZ, SIG_IGN);
}

int ended_by() {
  return caught;
}
int ended_by_fd() {
  return wake[0];
}

}  // namespace qrx::cli
