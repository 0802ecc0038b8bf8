// A Receiver at work, in a thread of its own, while this one looks after the window and the built-in server; and what
// earlier runs left, saved the same way.
#pragma once

#include <functional>
#include <memory>

#include "api/space_address.h"
#include "base/result.h"
#include "cli/asking.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/recv/receive_output.h"
#include "cli/recv/receive_report.h"
#include "cli/recv/recv_settings.h"
#include "cli/space/identities.h"
#include "cli/space/own_server.h"
#include "cli/space/unsaved.h"
#include "cli/user_messages.h"
#include "http/interrupt.h"
#include "receive/receiver.h"
#include "term/progress.h"

namespace qrx::cli {

// What it came to.
struct ReceivingEnd {
  Result<receive::Received> received;
  receive::Finished finished;  // deliveries, and files of others
  bool output_closed = false;  // nobody reads the stream any more
};

// Blocks. `how.client` has an interrupt, which is raised when the server (null: none) dies or stdout takes no more.
// `each_second` is called by this thread; it may be empty.
ReceivingEnd receive_attended(const api::SpaceAddress& from, const receive::ReceiverOptions& how, ReceiveReport& report,
                              ReceiveOutput& output, const OwnServer* server,
                              const std::function<void()>& each_second = {});

// Saves what earlier runs left (left_spaces.h), as this run would save its own. What is handed in outlives it.
class LeftSaving {
 public:
  LeftSaving(const RecvSettings& settings, Asking* asking, ReceiveOutput& output, Messages& messages,
             StdoutWriter& to_stdout, term::ProgressLine& progress, std::shared_ptr<http::Interrupt> interrupt)
      : set_(settings),
        asking_(asking),
        output_(output),
        messages_(messages),
        stdout_(to_stdout),
        progress_(progress),
        interrupt_(std::move(interrupt)) {}

  // Returns what is finished of the space. Errors are told.
  receive::Finished save(const UnsavedSpace& space, const SharedIdentity& identity);
  int exit_code() const { return code_; }  // of what could not be saved

 private:
  const RecvSettings& set_;
  Asking* asking_;
  ReceiveOutput& output_;
  Messages& messages_;
  StdoutWriter& stdout_;
  term::ProgressLine& progress_;
  std::shared_ptr<http::Interrupt> interrupt_;
  int code_ = exit_done;
};

}  // namespace qrx::cli
