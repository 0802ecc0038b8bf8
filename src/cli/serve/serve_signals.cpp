#include "cli/serve/serve_signals.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

#include "cli/exit.h"

namespace qrx::cli {
namespace {

// The end is promised within ten seconds, whatever a disk or a request still does: what was acknowledged is kept by
// then.
constexpr timeval longest_end{9, 600'000};
std::atomic<bool> ending{false};

void end_now(int) {
  if (!ending) return;  // an alarm from outside
  // Only write(2) and _exit(2): nothing else is safe in a signal handler.
  constexpr std::string_view line = "qrx-serve: stopped without waiting for what was still running\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_done);
}

[[noreturn]] void end_now_starting() {
  constexpr std::string_view line = "qrx-serve: stopped before it was ready\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_done);
}

}  // namespace

// The signals that mean something are blocked everywhere and read from a descriptor. Of the others, those that would
// end a process which knows nothing of them do nothing here; their handlers go with an exec, where being ignored would
// stay.
UniqueFd take_signals() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ours, number);
  ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {};
  for (const int number : {SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT})
    ::sigaction(number, &action, nullptr);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) ::sigaction(number, &action, nullptr);
  action.sa_handler = end_now;
  ::sigaction(SIGALRM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is an error of write(2), not our end
  return UniqueFd(::signalfd(-1, &ours, SFD_CLOEXEC));
}

StartingSignals::StartingSignals(const UniqueFd& signals) : ended_(::eventfd(0, EFD_CLOEXEC)) {
  // Without it the thread could not be ended: signals then wait for obey_signals().
  if (!ended_) return;
  thread_ = std::thread([this, from = signals.get()] {
    pollfd ready[2] = {{from, POLLIN, 0}, {ended_.get(), POLLIN, 0}};
    for (;;) {
      if (::poll(ready, 2, -1) < 0) continue;
      // First: what comes when the daemon is there is for obey_signals().
      if (ready[1].revents != 0) return;
      signalfd_siginfo signal{};
      if (::read(from, &signal, sizeof signal) != sizeof signal) continue;
      if (signal.ssi_signo != SIGHUP) end_now_starting();
      hung_up_ = true;
    }
  });
}

bool StartingSignals::end() {
  if (!thread_.joinable()) return hung_up_;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(ended_.get(), &one, sizeof one);
  thread_.join();
  return hung_up_;
}

// In the main thread, while the daemon's threads serve.
void obey_signals(serve::Daemon& daemon, const UniqueFd& signals, const UniqueFd& ended) {
  pollfd ready[2] = {{signals.get(), POLLIN, 0}, {ended.get(), POLLIN, 0}};
  for (;;) {
    if (::poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals.get(), &signal, sizeof signal) != sizeof signal) continue;
    if (signal.ssi_signo == SIGHUP) {
      daemon.reload();
      continue;
    }
    // The alarm is set once: a second signal gives no more time.
    if (!ending.exchange(true)) {
      const itimerval once{{0, 0}, longest_end};
      ::setitimer(ITIMER_REAL, &once, nullptr);
    }
    daemon.stop();
  }
}

}  // namespace qrx::cli
