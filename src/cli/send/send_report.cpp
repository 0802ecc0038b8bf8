#include "cli/send/send_report.h"

#include <unistd.h>

#include "base/bytes.h"
#include "base/text.h"
#include "cli/counts.h"
#include "cli/exit.h"
#include "term/terminal.h"

namespace qrx::cli {

std::uint64_t bytes_of(const send::SentDelivery& delivery) {
  std::uint64_t bytes = 0;
  for (const auto& file : delivery.files) bytes += file.size;
  return bytes;
}

Event event_of(const send::SentDelivery& delivery) {
  Event event("delivered");
  event.text("delivery", delivery.delivery.text()).number("files", delivery.files.size());
  event.number("bytes", bytes_of(delivery)).boolean("resumed", delivery.resumed);
  return event;
}

Result<void> SendReport::start(const wire::DropLink& link, const wire::DropInfo& drop, bool seals,
                               const std::string& size, const std::string& words) {
  messages_.say("sending " + what_ + size + " to " + (drop.label.empty() ? "" : "'" + drop.label + "' at ") +
                link.origin.authority());
  if (seals)
    messages_.say("encrypted: only the receiver can read it");
  else if (!link.key.empty())
    messages_.say("not encrypted, as you asked: the server can read it");
  else if (!drop.key.empty())
    messages_.say("not encrypted: the link came without its key, what follows the #; the server can read it");
  else
    messages_.say("not encrypted, for the link has no key: the server can read it");
  Event start("start");
  start.text("label", drop.label).text("server", link.origin.url()).text("guid", link.guid.text());
  start.boolean("sealed", seals);
  if (!words.empty()) {
    messages_.say("words: " + words);
    start.text("words", words);
  }
  return stdout_.event(start);
}

send::SenderEvents SendReport::events(std::function<void()> stop) {
  stop_ = std::move(stop);
  send::SenderEvents events;
  events.progress = [this](std::uint64_t bytes, std::optional<std::uint64_t> total) { progress(bytes, total); };
  events.sent = [this](const send::SentFile& file) { sent(file); };
  events.notice = [this](const std::string& text) { messages_.notice(text); };
  events.retry = [this](const std::string& text, bool counting) { retry(text, counting); };
  return events;
}

void SendReport::progress(std::uint64_t bytes, std::optional<std::uint64_t> total) {
  retrying_ = false;
  progress_.update(what_, bytes, total);
  Event event("sending");
  event.number("bytes", bytes);
  if (total)
    event.number("total", *total);
  else
    event.null("total");
  // The output is closed: nobody would learn of the sums.
  if (!stdout_.event(event)) stop_();
}

void SendReport::sent(const send::SentFile& file) {
  Event event("sent");
  event.text("name", file.name).number("size", file.size).text("xxh128", to_hex(file.xxh128));
  if (file.sha256) event.text("sha256", to_hex(*file.sha256));
  event.boolean("sealed", file.sealed);
  if (!stdout_.event(event)) stop_();
}

// One line however often: updated where it can be, else said once until something is sent again.
void SendReport::retry(const std::string& text, bool counting) {
  if (one_line_)
    progress_.status(escape_untrusted(text));  // until the next one, or until it goes on
  else if (!counting && !retrying_)
    messages_.notice(text);
  retrying_ = true;
}

Result<void> SendReport::delivered(const send::SentDelivery& delivery, bool sha256) {
  // Asked once: for each of thousands of files it would be a system call.
  const bool to_terminal = term::is_terminal(STDOUT_FILENO);
  for (const auto& file : delivery.files) {
    const std::string sum = file.sha256 && sha256 ? to_hex(*file.sha256) : to_hex(file.xxh128);
    const std::string name = to_terminal ? escape_untrusted(file.name) : file.name;
    if (auto said = stdout_.line(sum + "  " + name); !said) return said;
  }
  return stdout_.event(event_of(delivery));
}

Result<int> SendReport::received(const send::SentDelivery& delivery, const send::ReceiptResult& result) {
  const std::string id = delivery.delivery.text();
  for (const auto& name : result.declined)
    if (auto said = stdout_.event(Event("declined").text("delivery", id).text("name", name)); !said)
      return tl::unexpected(said.error());
  const auto& counts = result.counts;
  Event received("received");
  received.text("delivery", id).number("saved", counts.saved).number("declined", counts.declined);
  if (auto said = stdout_.event(received.number("kept", counts.kept)); !said) return tl::unexpected(said.error());
  const std::uint64_t all = counts.saved + counts.declined + counts.kept;
  if (counts.saved == all) {
    messages_.say("received: saved and verified");
    return exit_done;
  }
  if (counts.kept > 0)
    return fail(Kind::timed_out, "the receiver could not save it yet: it is kept there for its next run");
  if (counts.declined == all) return fail(Kind::denied, "the receiver declined it");
  for (const auto& name : result.declined) messages_.warn("declined: " + name);
  messages_.say("received: " + count_of_files(counts.saved) + " of " + std::to_string(all));
  return exit_partly;
}

Result<void> SendReport::done(const send::SentDelivery& delivery) {
  return stdout_.event(Event("done").number("files", delivery.files.size()).number("bytes", bytes_of(delivery)));
}

}  // namespace qrx::cli
