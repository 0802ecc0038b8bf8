#include "cli/tool.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "cli/exit.h"
#include "cli/signals.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

// What runs now, for the signal handler.
std::atomic<http::Interrupt*> running{nullptr};

void raise_running() {
  // raise() only writes to a descriptor: it may be called from a signal handler.
  if (auto* interrupt = running.load()) interrupt->raise();
}

}  // namespace

bool shows_progress(const Common& common) {
  return term::is_terminal(STDERR_FILENO) && !common.quiet && !common.no_progress;
}

Tool::Tool(const std::string& name, const Common& common, bool progress)
    : messages_(name), stdout_(common.json), progress_(STDERR_FILENO, progress) {
  messages_.set_quiet(common.quiet);
  messages_.set_verbosity(common.verbose);
  // A message must not be written into the progress line.
  messages_.before_each([this] { progress_.clear(); });
}

Tool::~Tool() {
  // The handler must not find what is gone.
  running = nullptr;
}

void Tool::heed_signals() {
  running = interrupt_.get();
  take_over_signals(raise_running);
}

int Tool::end(const Error& error) {
  progress_.clear();
  // Whatever failed, failed because it was stopped.
  if (const int signal = ended_by()) {
    say_stopped(signal);
    return exit_code_of_signal(signal);
  }
  // As a filter that is ended by SIGPIPE: its reader wants no more, which is no failure of ours.
  if (stdout_.closed() || output_closed()) return exit_code_of_signal(SIGPIPE);
  messages_.error(error);
  const int code = exit_code(error.kind);
  (void)stdout_.event(Event("error").text("message", error.what).number("exit", static_cast<std::uint64_t>(code)));
  return code;
}

}  // namespace qrx::cli
