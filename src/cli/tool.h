// What every tool that talks to a server is: messages for people, events for machines, a progress line, signals, and
// how it ends.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "cli/events.h"
#include "cli/options.h"
#include "cli/user_messages.h"
#include "http/interrupt.h"
#include "term/progress.h"

namespace qrx::cli {

// Whether a progress line may stand on stderr: at a terminal, where nobody asked for silence.
bool shows_progress(const Common& common);

// One of a process, on its main thread. It never exits: run() of the tool returns the exit code.
class Tool {
 public:
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;

  // How a run ends that did not do what it was to do; the exit code. After a signal `error` does not count, and when
  // nobody reads stdout any more nothing is said.
  int end(const Error& error);

 protected:
  // `progress`: whether its line is shown.
  Tool(const std::string& name, const Common& common, bool progress);
  virtual ~Tool();

  // From now on the first signal raises the interrupt, which every request of this run shares: all of them end soon.
  void heed_signals();
  void stop() { interrupt_->raise(); }  // the same, from any thread

  // To people, when a signal ended the run.
  virtual void say_stopped(int signal) = 0;
  // Whether somebody stopped reading what is written to stdout beside the facts.
  virtual bool output_closed() const { return false; }

  Messages messages_;
  StdoutWriter stdout_;
  term::ProgressLine progress_;
  const std::shared_ptr<http::Interrupt> interrupt_ = std::make_shared<http::Interrupt>();
};

}  // namespace qrx::cli
