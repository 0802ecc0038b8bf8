// What a receiving tool says of what arrives: facts on stdout, messages, previews and progress on stderr, questions,
// and the command of --exec. Until something comes, the invitation stands there.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/asking.h"
#include "cli/events.h"
#include "cli/invitation.h"
#include "cli/recv/preview.h"
#include "cli/user_messages.h"
#include "receive/receiver.h"
#include "term/progress.h"

namespace qrx::cli {

struct ReceiveReportOptions {
  PreviewWhen preview = PreviewWhen::never;
  Asking* asking = nullptr;  // asked before each file is saved; none: all are
  std::string stream;        // where the bytes go, as the user named it, when that is no directory or file; else empty
  char path_end = '\n';      // after each path on stdout
  bool download = false;     // of what a link held, instead of an upload to a space of this run
  bool waits_on = false;     // after a delivery, for the next one
  bool clipboard = false;    // a text goes there, too
  std::uint64_t count = 1;   // deliveries that are waited for; 0: as many as come
  std::string when_nobody_comes;  // said once, when nothing came for a while; or empty
  std::string hook;               // --exec, or empty
  std::string space;              // for the hook: its GUID, or empty
  const Clock* clock = &system_clock();
};

// Receiver calls the events from its threads, and the screen is redrawn from another: one lock guards what is said
// meanwhile. Messages, StdoutWriter and ProgressLine stay the caller's, who leaves them alone while the Receiver runs.
class ReceiveReport {
 public:
  ReceiveReport(ReceiveReportOptions options, Messages& messages, StdoutWriter& to_stdout,
                term::ProgressLine& progress);

  // Shown now; with --quiet its link only.
  void invite(Invitation invitation);
  void redraw();  // the window has another size. Does nothing once something came
  void look();    // about once a second: says when nobody comes, or when what was coming stands still
  void notice(const std::string& text);  // from any thread

  // For a Receiver, which this must outlive. When stdout takes no more facts, `stop` is called (from any thread).
  receive::ReceiverEvents events(std::function<void()> stop);

  // When the Receiver has ended: the last event; why `stop` was called; whether the hook failed.
  Result<void> done(const receive::Received& received);
  const std::optional<Error>& output_failed() const { return output_failed_; }
  bool hook_failed() const { return hook_failed_; }  // or the clipboard did not take a text

 private:
  // All with the lock held.
  void show_invitation(bool anew);
  void receiving(const receive::IncomingProgress& progress);
  void stalled();
  void retrying(const std::string& text);
  void wait_with(std::string status);
  receive::Wish accept(const wire::FileInfo& file);
  receive::Wish arrived(const wire::FileInfo& file, int descriptor);
  bool is_asked_at_sight(const wire::FileInfo& file) const;
  receive::Wish ask(const wire::FileInfo& file);
  void saved(const receive::SavedFile& file);
  void warn_of(const receive::SavedFile& file);
  void end_warnings();
  void delivered(const receive::SavedDelivery& delivery);
  void say_what_came(const receive::SavedDelivery& delivery, std::uint64_t bytes);
  void show_text(const receive::SavedDelivery& delivery);
  void run_hook_after(const receive::SavedDelivery& delivery, std::uint64_t bytes);
  void refused(const wire::DeliveryInfo& delivery, const Error& error);
  void told(const Result<void>& result);

  ReceiveReportOptions options_;
  Messages& messages_;
  StdoutWriter& stdout_;
  term::ProgressLine& progress_;
  Preview preview_;
  std::function<void()> stop_;
  std::mutex screen_;
  std::optional<Invitation> invitation_;  // none: something came
  DrawnInvitation drawn_;                 // as it was last shown
  std::optional<Error> output_failed_;
  bool hook_failed_ = false;
  std::size_t warned_ = 0;                             // of files of the delivery at hand
  std::string waiting_;                                // the status line while nothing comes in
  std::optional<Steady> invited_;                      // none: nobody needs to be told how to connect
  std::optional<receive::IncomingProgress> incoming_;  // not all of it is here
  std::optional<Steady> came_;  // when the last of it did; none: it was said that it stands still
  bool retrying_ = false;       // since the server was heard last
};

}  // namespace qrx::cli
