// What qrx-send says of what it sends: sums on stdout, progress and messages on stderr, events.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "cli/events.h"
#include "cli/user_messages.h"
#include "send/receipt_wait.h"
#include "send/sender.h"
#include "term/progress.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::cli {

// What a delivery was, for machines: "delivered".
Event event_of(const send::SentDelivery& delivery);
std::uint64_t bytes_of(const send::SentDelivery& delivery);  // of all its files

// Messages, StdoutWriter and ProgressLine stay the caller's; not used from elsewhere while a Sender runs.
class SendReport {
 public:
  // `what` is sent, for people, escaped. `one_line`: news of retries replace each other.
  SendReport(std::string what, bool one_line, Messages& messages, StdoutWriter& to_stdout, term::ProgressLine& progress)
      : what_(std::move(what)), one_line_(one_line), messages_(messages), stdout_(to_stdout), progress_(progress) {}

  // What is about to be sent, and to whom. `size`: ", 2.4 MiB", or empty; `words`: the four of the link, or empty.
  Result<void> start(const wire::DropLink& link, const wire::DropInfo& drop, bool seals, const std::string& size,
                     const std::string& words);
  // For a Sender, which this must outlive. When stdout takes no more, `stop` is called.
  send::SenderEvents events(std::function<void()> stop);
  // Sums, as sha256sum and xxh128sum check them, and the event of the delivery.
  Result<void> delivered(const send::SentDelivery& delivery, bool sha256);
  // What became of it at the receiver, and each that it does not want. How the tool ends: exit_done or exit_partly;
  // Kind::timed_out when it waits there for a later run, Kind::denied when nothing of it was wanted.
  Result<int> received(const send::SentDelivery& delivery, const send::ReceiptResult& result);
  Result<void> done(const send::SentDelivery& delivery);  // the last event

 private:
  void progress(std::uint64_t bytes, std::optional<std::uint64_t> total);
  void sent(const send::SentFile& file);
  void retry(const std::string& text, bool counting);

  std::string what_;
  bool one_line_;
  bool retrying_ = false;
  Messages& messages_;
  StdoutWriter& stdout_;
  term::ProgressLine& progress_;
  std::function<void()> stop_;
};

}  // namespace qrx::cli
