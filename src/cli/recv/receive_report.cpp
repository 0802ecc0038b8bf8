#include "cli/recv/receive_report.h"

#include <unistd.h>

#include <utility>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/text.h"
#include "base/units.h"
#include "base/write_all.h"
#include "cli/clipboard.h"
#include "cli/counts.h"
#include "cli/exit.h"
#include "cli/recv/hook.h"
#include "cli/recv/readable_text.h"
#include "cli/signals.h"
#include "receive/local_names.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

// Asked once: for each of thousands of files it would be a system call.
bool to_terminal() {
  static const bool is_one = term::is_terminal(STDOUT_FILENO);
  return is_one;
}

// Long enough for a phone to be found and the code to be scanned.
constexpr Seconds nobody_came{60};
// A pause of seconds is usual when a sender's phone changes networks.
constexpr Seconds stands_still{5};
constexpr std::size_t most_warnings = 20;  // of one delivery: whoever sends decides how many there would be

std::string label_of(const receive::IncomingProgress& progress) {
  return progress.name.empty() ? "encrypted file" : escape_untrusted(progress.name);
}

Event event_of(std::string_view name, const receive::IncomingProgress& progress) {
  Event event(name);
  if (progress.name.empty())
    event.null("name");
  else
    event.text("name", progress.name);
  event.number("bytes", progress.bytes);
  if (progress.total)
    event.number("total", *progress.total);
  else
    event.null("total");
  event.boolean("uploading", progress.uploading);
  return event;
}

Event event_of(const std::string& path, const receive::SavedFile& file) {
  Event event("saved");
  event.path("path", path).text("name", file.info.name).number("size", file.info.size);
  event.text("type", file.info.type).text("xxh128", to_hex(file.info.xxh128));
  if (file.sha256) event.text("sha256", to_hex(*file.sha256));
  event.boolean("sealed", file.info.sealed).text("delivery", file.delivery.text());
  if (file.info.properties.modified) event.text("modified", to_rfc3339(*file.info.properties.modified));
  if (file.info.properties.executable) event.boolean("executable", true);
  return event;
}

}  // namespace

ReceiveReport::ReceiveReport(ReceiveReportOptions options, Messages& messages, StdoutWriter& to_stdout,
                             term::ProgressLine& progress)
    : options_(std::move(options)),
      messages_(messages),
      stdout_(to_stdout),
      progress_(progress),
      preview_(options_.preview) {}

// --- before something comes

// From here on the screen is shared by the receiver's threads, the resize and the clock: screen_ is taken by each
// before it draws. Messages, progress and facts have no other lock here.
void ReceiveReport::invite(Invitation invitation) {
  const std::lock_guard lock(screen_);
  invitation_ = std::move(invitation);
  invited_ = options_.clock->steady();
  show_invitation(false);
}

void ReceiveReport::redraw() {
  const std::lock_guard lock(screen_);
  if (invitation_) show_invitation(true);
}

void ReceiveReport::show_invitation(bool anew) {
  if (messages_.quiet()) {
    if (!anew) (void)write_all(STDERR_FILENO, invitation_->drop + "\n");
    return;
  }
  const qr::Screen screen =
      screen_for(term::size_of(STDERR_FILENO), term::colour_depth(), term::speaks_utf8(), invitation_->invert);
  // After a resize the old drawing is wrapped or torn: only an empty window is sure to be right.
  drawn_ = draw_invitation(*invitation_, screen, 1);
  messages_.raw((anew && term::moves_cursor() ? "\x1b[H\x1b[2J" : "") + drawn_.text);
  wait_with(status_with_words(drawn_, "Waiting for " + what_is_awaited(options_.count) + "… (Ctrl-C to stop)"));
}

void ReceiveReport::wait_with(std::string status) {
  waiting_ = std::move(status);
  progress_.status(waiting_);
}

void ReceiveReport::look() {
  const std::lock_guard lock(screen_);
  const Steady now = options_.clock->steady();
  if (invitation_ && invited_ && !options_.when_nobody_comes.empty() && now - *invited_ >= nobody_came) {
    invited_.reset();
    // In the line that stands there anyway: the code must not scroll away.
    if (progress_.redrawn())
      wait_with(status_with_words(drawn_, options_.when_nobody_comes));
    else
      messages_.notice(options_.when_nobody_comes);
  }
  if (incoming_ && came_ && now - *came_ >= stands_still) {
    // Once for each pause.
    came_.reset();
    stalled();
  }
}

void ReceiveReport::notice(const std::string& text) {
  const std::lock_guard lock(screen_);
  messages_.notice(text);
  if (!waiting_.empty() && !incoming_ && !retrying_) progress_.status(waiting_);
}

// --- what comes

receive::ReceiverEvents ReceiveReport::events(std::function<void()> stop) {
  stop_ = std::move(stop);
  receive::ReceiverEvents events;
  events.receiving = [this](const receive::IncomingProgress& progress) {
    const std::lock_guard lock(screen_);
    receiving(progress);
  };
  if (options_.asking) {  // without these, uploads are followed
    events.accept = [this](const wire::DeliveryInfo&, const wire::FileInfo& file) {
      const std::lock_guard lock(screen_);
      return accept(file);
    };
    events.arrived = [this](const wire::FileInfo& file, int descriptor) {
      const std::lock_guard lock(screen_);
      return arrived(file, descriptor);
    };
  }
  events.saved = [this](const receive::SavedFile& file) {
    const std::lock_guard lock(screen_);
    saved(file);
  };
  events.delivered = [this](const receive::SavedDelivery& delivery) {
    const std::lock_guard lock(screen_);
    delivered(delivery);
    return !output_failed_;
  };
  events.refused = [this](const wire::DeliveryInfo& delivery, const Error& error) {
    const std::lock_guard lock(screen_);
    refused(delivery, error);
  };
  events.notice = [this](const std::string& text) { notice(text); };
  events.retrying = [this](const std::string& text) {
    const std::lock_guard lock(screen_);
    retrying(text);
  };
  return events;
}

void ReceiveReport::receiving(const receive::IncomingProgress& progress) {
  // It is no longer redrawn: what comes is more important.
  invitation_.reset();
  retrying_ = false;
  incoming_.reset();
  came_.reset();
  if (progress.uploading || !progress.total || progress.bytes < *progress.total) {
    incoming_ = progress;
    came_ = options_.clock->steady();
  }
  progress_.update(label_of(progress), progress.bytes, progress.total);
  told(stdout_.event(event_of("receiving", progress)));
}

void ReceiveReport::stalled() {
  const receive::IncomingProgress& progress = *incoming_;
  const std::string whom = progress.uploading ? "sender" : "server";
  const std::string of = progress.total ? " of " + format_size(*progress.total) : "";
  progress_.status("Waiting for the " + whom + ": " + label_of(progress) + ", " + format_size(progress.bytes) + of +
                   " so far");
  progress_.start_anew();  // the pause is no part of its rate
  told(stdout_.event(event_of("stalled", progress)));
}

// One line however often: updated where it can be, else said once.
void ReceiveReport::retrying(const std::string& text) {
  if (text.empty()) {
    if (retrying_ && !incoming_ && !waiting_.empty()) progress_.status(waiting_);
    retrying_ = false;
    return;
  }
  if (progress_.redrawn())
    progress_.status(escape_untrusted(text));
  else if (!retrying_)
    messages_.notice(text);
  retrying_ = true;
}

receive::Wish ReceiveReport::accept(const wire::FileInfo& file) {
  invitation_.reset();
  return is_asked_at_sight(file) ? receive::Wish::save : ask(file);
}

receive::Wish ReceiveReport::arrived(const wire::FileInfo& file, int descriptor) {
  if (!is_asked_at_sight(file)) return receive::Wish::save;
  messages_.raw(preview_.of_descriptor(descriptor));
  return ask(file);
}

// What can be shown is asked about when it was shown, so when it is here.
bool ReceiveReport::is_asked_at_sight(const wire::FileInfo& file) const {
  return options_.stream.empty() && preview_.may_show(file.type, file.size, file.sealed);
}

receive::Wish ReceiveReport::ask(const wire::FileInfo& file) {
  progress_.clear();
  if (options_.asking->all()) return receive::Wish::save;
  switch (options_.asking->choose("Save " + file.name + " (" + format_size(file.size) +
                                  (file.type.empty() ? "" : ", " + file.type) + ")?")) {
    case Asking::Choice::save:
      return receive::Wish::save;
    case Asking::Choice::later:
      return receive::Wish::later;
    case Asking::Choice::discard:
      return receive::Wish::discard;
  }
  return receive::Wish::later;
}

void ReceiveReport::saved(const receive::SavedFile& file) {
  invitation_.reset();
  const bool streamed = !options_.stream.empty();
  if (to_terminal()) progress_.clear();
  // The path is the result: it is written as it is, but for a person's terminal.
  if (!streamed) told(stdout_.line(to_terminal() ? escape_untrusted(file.path) : file.path, options_.path_end));
  if (!streamed && !options_.asking) messages_.raw(preview_.of_path(file.path));
  // Not made in vain for each of thousands.
  if (stdout_.json()) told(stdout_.event(event_of(streamed ? options_.stream : file.path, file)));
  if (!streamed) warn_of(file);
  if (file.sha256 && !stdout_.json()) messages_.detail("sha256 " + to_hex(*file.sha256) + "  " + file.path, 0);
}

// What a name or a place does, said beside what it is.
void ReceiveReport::warn_of(const receive::SavedFile& file) {
  const auto warn = [this](const std::string& text, std::string_view hint = {}) {
    // Counted beyond that, and said once at the end.
    if (warned_++ < most_warnings) messages_.warn(text, hint);
  };
  if (file.renamed) {
    told(stdout_.event(Event("renamed").text("from", file.info.name).path("to", file.path)));
    warn("name changed: " + file.info.name + " is saved as " + file.path);
  }
  if (!file.unopened.empty()) {
    told(stdout_.event(Event("unopened").path("path", file.path).text("why", file.unopened)));
    warn(file.path + " could not be decrypted and is saved as it came: " + file.unopened);
  }
  if (const auto why = receive::risk_of(file.info.name); !why.empty()) {
    told(stdout_.event(Event("risky").path("path", file.path).text("why", why)));
    warn(file.path + " " + why, "look at it before you use what was received");
  }
}

void ReceiveReport::end_warnings() {
  if (warned_ > most_warnings)
    messages_.warn(std::to_string(warned_ - most_warnings) + " more warnings about files are not shown",
                   "--json names them all");
  warned_ = 0;
}

// In one line: what was saved of it, and what was not.
void ReceiveReport::say_what_came(const receive::SavedDelivery& delivery, std::uint64_t bytes) {
  const std::size_t files = delivery.files.size(), declined = delivery.declined.size();
  const std::string how = options_.download ? "downloaded: " : "upload successful: ";
  std::string not_saved;
  if (declined > delivery.later) not_saved = count_of_files(declined - delivery.later) + " discarded";
  if (delivery.later > 0) not_saved += (not_saved.empty() ? "" : ", ") + count_of_files(delivery.later) + " not now";
  if (receive::is_text(delivery.info)) {
    if (output_failed_) return;  // it is nowhere yet, and is not called received
    if (declined == 0) return messages_.say(how + "a text, " + format_size(delivery.info.message.size()));
  }
  if (files == 0 && declined == 0) return;  // nothing was left of it: earlier runs saved it
  if (files == 0) return messages_.say("nothing saved: " + not_saved);
  const std::string what = files == 1 ? delivery.files[0].info.name : count_of_files(files);
  messages_.say(how + what + ", " + format_size(bytes) + (not_saved.empty() ? "" : "; " + not_saved));
}

void ReceiveReport::delivered(const receive::SavedDelivery& delivery) {
  invitation_.reset();
  incoming_.reset();
  std::uint64_t bytes = 0;
  for (const auto& file : delivery.files) bytes += file.info.size;
  const std::size_t files = delivery.files.size();
  const std::size_t declined = delivery.declined.size();
  Event event("delivered");
  event.text("delivery", delivery.info.delivery.text()).number("files", files).number("bytes", bytes);
  event.number("declined", declined).number("kept", delivery.later).text("message", delivery.info.message);
  const bool text = receive::is_text(delivery.info);
  if (text) show_text(delivery);
  told(stdout_.event(event));
  end_warnings();
  if (!text && !delivery.info.message.empty()) messages_.say("message: " + delivery.info.message);
  say_what_came(delivery, bytes);
  // Not when the output failed: the program would be told of what the user cannot see.
  if (!options_.hook.empty() && (files > 0 || (text && declined == 0)) && !output_failed_)
    run_hook_after(delivery, bytes);
  preview_.next_delivery();
  progress_.start_anew();
  if (options_.waits_on) wait_with("Waiting for more… (Ctrl-C to stop)");
}

// A text is data: on a terminal to be read and copied, line by line as it came but for what could do harm there; else
// its very bytes.
void ReceiveReport::show_text(const receive::SavedDelivery& delivery) {
  const std::string& text = delivery.info.message;
  Xxh128 sum;
  sum.update(as_bytes(text));
  Event event("text");
  event.text("text", text).number("size", text.size()).text("xxh128", to_hex(sum.sum()));
  told(stdout_.event(event.boolean("sealed", delivery.sealed_text).text("delivery", delivery.info.delivery.text())));
  if (delivery.files.empty() && delivery.declined.empty()) {
    progress_.clear();
    told(stdout_.data(to_terminal() ? readable_text(text) : text));
  }
  if (!options_.clipboard) return;
  if (const auto way = write_clipboard(text, ended_by_fd()); way) {
    messages_.say(*way);
  } else {
    // The text is received all the same; the exit status tells.
    hook_failed_ = true;
    messages_.error(way.error());
  }
}

void ReceiveReport::run_hook_after(const receive::SavedDelivery& delivery, std::uint64_t bytes) {
  const bool streamed = !options_.stream.empty();
  std::string paths;
  if (!streamed)
    for (const auto& file : delivery.files) paths += file.path + "\n";
  const Variables variables = {{"QRX_PATHS", paths},
                               {"QRX_SPACE", options_.space},
                               {"QRX_DELIVERY", delivery.info.delivery.text()},
                               {"QRX_DELIVERY_FILES", std::to_string(delivery.files.size())},
                               {"QRX_DELIVERY_BYTES", std::to_string(bytes)},
                               {"QRX_DELIVERY_MESSAGE", delivery.info.message},
                               {"QRX_TEXT", receive::is_text(delivery.info) ? delivery.info.message : ""}};
  // stdout is ours for the data or the events: the command's own goes to stderr.
  if (auto ran = run_hook(options_.hook, variables, streamed || stdout_.json()); !ran) {
    hook_failed_ = true;
    messages_.error(ran.error());
  }
}

void ReceiveReport::refused(const wire::DeliveryInfo& delivery, const Error& error) {
  invitation_.reset();
  incoming_.reset();
  end_warnings();
  Event event("refused");
  event.text("delivery", delivery.delivery.text()).text("message", error.what);
  told(stdout_.event(event.number("exit", static_cast<std::uint64_t>(exit_code(error.kind)))));
  messages_.warn(error.what + "; delivery skipped", error.hint);
  progress_.start_anew();
}

Result<void> ReceiveReport::done(const receive::Received& received) {
  Event event("done");
  event.number("deliveries", received.deliveries).number("files", received.files).number("bytes", received.bytes);
  return stdout_.event(event.number("refused", received.refused));
}

// Receiving what nobody is told of is of no use.
void ReceiveReport::told(const Result<void>& result) {
  if (result) return;
  if (!output_failed_) output_failed_ = result.error();
  if (stop_) stop_();
}

}  // namespace qrx::cli
