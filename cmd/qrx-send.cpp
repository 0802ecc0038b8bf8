// qrx-send: checks the data, finds the drop link in a picture or takes it from the command line, uploads.
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/addresses.h"
#include "cli/asking.h"
#include "cli/client_options.h"
#include "cli/counts.h"
#include "cli/exit.h"
#include "cli/link_words.h"
#include "cli/places.h"
#include "cli/send/files_to_send.h"
#include "cli/send/known_links.h"
#include "cli/send/link_scan.h"
#include "cli/send/send_report.h"
#include "cli/send/send_settings.h"
#include "cli/send/text_to_send.h"
#include "cli/signals.h"
#include "cli/space/unsaved.h"
#include "cli/tool.h"
#include "seal/fingerprint.h"
#include "send/receipt_wait.h"
#include "send/sender.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

class Send : public Tool {
 public:
  Send(SendSettings settings, const Options& options)
      : Tool("qrx-send", settings.common, shows_progress(settings.common)),
        set_(std::move(settings)),
        options_(options),
        where_(where_to(set_, options)),
        scan_(where_, messages_, progress_, shows_progress(set_.common)) {}

  int run();

 private:
  int scan_only();
  Result<wire::DropLink> find_link();
  bool confirmed(const wire::DropLink& link);
  Result<void> check_words(LinkWords& words);
  Result<send::SourceList> find_sources();
  Result<send::SourceList> find_text();
  send::SenderOptions how_to_send(const wire::Origin& origin);
  int send(const wire::DropLink& link, const send::SourceList& sources);
  Result<void> may_save(const wire::DropLink& link, LinkWords& words);
  Result<void> save_link(const wire::DropLink& link, LinkWords& words);
  int wait_for_receipt(const wire::DropLink& link, const send::SentDelivery& delivery, SendReport& report);
  void say_stopped(int) override {
    if (is_sent_)
      messages_.warn("stopped waiting; it was sent");
    else
      messages_.warn("interrupted", sending_ ? "run the same command again to resume" : "");
  }

  SendSettings set_;
  const Options& options_;
  ScanWish where_;
  LinkScan scan_;
  TextToSend text_;          // instead of files
  std::size_t skipped_ = 0;  // of what was asked for
  bool sending_ = false;     // the server may have something of it,
  bool is_sent_ = false;     // or all
};

int Send::run() {
  heed_signals();
  if (set_.scan_only) return scan_only();
  if (!set_.forget.empty()) {
    if (auto forgotten = forget_link(set_.forget); !forgotten) return end(forgotten.error());
    messages_.say("forgotten: " + set_.forget);
    return exit_done;
  }

  // The data first: nobody should hold a phone up to a code and then learn that a file is missing.
  const auto sources = find_sources();
  if (!sources) return end(sources.error());
  const auto skipped = skip_errors(*sources, set_.skip_errors, messages_, facts_);
  if (!skipped) return end(skipped.error());
  skipped_ = *skipped;

  const auto link = find_link();
  if (!link) return end(link.error());
  if (ended_by() != 0) return end({});
  if (set_.seal == "require" && link->key.empty())
    return options_.usage_error(
        Error{Kind::usage, "--seal require: the link has no key to encrypt to", "nothing was sent"});
  if (!confirmed(*link)) return end(Error{Kind::denied, "not sent: you said no", ""});
  return send(*link, *sources);
}

int Send::scan_only() {
  const auto texts = scan_.texts();
  if (!texts) return end(texts.error());
  for (const auto& text : *texts) {
    auto said = facts_.event(Event("code").text("text", text));
    if (said) said = facts_.line(term::is_terminal(STDOUT_FILENO) ? escape_untrusted(text) : text);
    if (!said) return end(said.error());
  }
  return exit_done;
}

Result<wire::DropLink> Send::find_link() {
  if (set_.to.empty() || where_.where != ScanWish::Where::link || options_.on_command_line("link")) return scan_.find();
  auto known = needed_link(set_.to, options_.config());
  if (!known) return tl::unexpected(known.error());
  // What was written down with the link holds as if it were expected now.
  if (set_.expect.empty()) set_.expect = known->words;
  return std::move(known->link);
}

// A picture can come from anywhere: plain HTTP to a host outside the local network is worth a question.
bool Send::confirmed(const wire::DropLink& link) {
  if (set_.yes || !set_.link.empty() || !set_.to.empty() || link.origin.tls || is_private_host(link.origin.host))
    return true;
  if (!term::is_terminal(STDERR_FILENO)) return true;
  auto asking = Asking::open("sending");
  if (!asking) return true;
  return asking->yes("The code leads to " + link.origin.url() +
                     ", outside of the local network and without encryption. Send there?");
}

// A code that was stuck over the receiver's leads elsewhere, so it has other words.
Result<void> Send::check_words(LinkWords& words) {
  if (set_.expect.empty()) return {};
  const auto& shown = words.get();
  if (!shown) return tl::unexpected(shown.error());
  if (seal::same_words(*shown, set_.expect)) return {};
  return fail(Kind::integrity, "the words do not match; this link says " + *shown,
              "nothing was sent; compare the words with the receiver");
}

// Under a name that has another link already only what was confirmed.
Result<void> Send::may_save(const wire::DropLink& link, LinkWords& words) {
  const auto& shown = words.get();
  if (!shown) return tl::unexpected(shown.error());
  const auto known = known_link(set_.save_as, options_.config());
  if (!known) return tl::unexpected(known.error());
  return *known ? check_same_link(set_.save_as, **known, link, *shown, set_.expect) : Result<void>{};
}

Result<void> Send::save_link(const wire::DropLink& link, LinkWords& words) {
  if (auto saved = learn_link(set_.save_as, link, *words.get()); !saved) return saved;
  messages_.say("saved as " + set_.save_as + " (words: " + *words.get() + "); from now on: qrx-send --to " +
                (set_.save_as.find(' ') == std::string::npos ? set_.save_as : "'" + set_.save_as + "'") + " FILE");
  return facts_.event(
      Event("learned").text("name", set_.save_as).text("link", link.text()).text("words", *words.get()));
}

send::SenderOptions Send::how_to_send(const wire::Origin& origin) {
  send::SenderOptions how;
  how.client = client_for(origin);
  how.client.interrupt = interrupt_;
  how.message = text_.message.empty() ? set_.message : text_.message;
  how.sha256 = set_.sha256;
  how.preserve = set_.preserve;
  if (set_.seal == "require") how.seal = send::SealChoice::require;
  if (set_.seal == "off") how.seal = send::SealChoice::off;
  how.most_rate = set_.limit_rate.value_or(0);
  if (!text_.what.empty()) return how;  // what stands in memory is not there for another run
  if (const auto state = state_dir())
    how.state_dir = *state + "/send";
  else
    messages_.detail(state.error().what + ": an interrupted upload starts over");
  return how;
}

int Send::send(const wire::DropLink& link, const send::SourceList& sources) {
  // They cost some 50 ms of a processor: only when someone is shown them.
  const bool at_terminal = term::is_terminal(STDERR_FILENO) && !messages_.quiet();
  std::optional<LinkWords> words;
  if (!set_.expect.empty() || !set_.save_as.empty() || set_.common.json || set_.common.verbose > 0 || at_terminal)
    words.emplace(link);
  if (words)
    if (auto right = check_words(*words); !right) return end(right.error());
  if (!set_.save_as.empty())
    if (auto right = may_save(link, *words); !right) return end(right.error());
  const std::string what = text_.what.empty() ? what_is_sent(sources) : escape_untrusted(text_.what);
  SendReport report(what, at_terminal && term::moves_cursor() && !set_.common.no_progress, messages_, facts_,
                    progress_);
  send::Sender sender(link, how_to_send(link.origin), report.events([this] { stop(); }));
  sending_ = true;
  const auto drop = sender.look();
  if (!drop) return end(drop.error());
  if (!set_.save_as.empty())
    if (auto saved = save_link(link, *words); !saved) return end(saved.error());
  if (set_.files.empty() && !set_.text && !set_.clipboard) return exit_done;
  if (auto fits = send::Sender::check_limits(*drop, sources, sender.seals()); !fits) return end(fits.error());
  const std::uint64_t bytes = sources.known_bytes + text_.message.size();
  const std::string size = sources.has_stream ? "" : ", " + format_size(bytes);
  if (words && !words->get()) return end(words->get().error());
  if (auto said = report.start(link, *drop, sender.seals(), size, words ? *words->get() : ""); !said)
    return end(said.error());
  const auto delivery = sender.send(sources);
  if (!delivery) return end(delivery.error());
  progress_.clear();
  is_sent_ = true;
  if (auto said = report.delivered(*delivery, set_.sha256); !said) return end(said.error());
  messages_.say("sent successfully");
  const int code = set_.wait ? wait_for_receipt(link, *delivery, report) : exit_done;
  if (code != exit_done && code != exit_partly) return code;
  if (auto said = report.done(*delivery); !said) return end(said.error());
  return skipped_ > 0 ? exit_partly : code;
}

int Send::wait_for_receipt(const wire::DropLink& link, const send::SentDelivery& delivery, SendReport& report) {
  progress_.status("Waiting until the receiver has saved it… (Ctrl-C to stop)");
  http::ClientOptions client = client_for(link.origin);
  client.interrupt = interrupt_;
  const auto result = send::await_receipt(link, client, delivery, set_.longest_wait);
  progress_.clear();
  if (!result) return end(result.error());
  if (auto said = report.received(delivery, *result); !said) return end(said.error());
  const auto& counts = result->counts;
  const std::uint64_t all = counts.saved + counts.declined + counts.kept;
  if (counts.saved == all) {
    messages_.say("received: saved and verified");
    return exit_done;
  }
  if (counts.kept > 0)
    return end({Kind::timed_out, "the receiver could not save it yet: it is kept there for its next run", {}});
  if (counts.declined == all) return end({Kind::denied, "the receiver declined it", {}});
  for (const auto& name : result->declined) messages_.warn("declined: " + name);
  messages_.say("received: " + count_of_files(counts.saved) + " of " + std::to_string(all));
  return exit_partly;
}

Result<send::SourceList> Send::find_sources() {
  if (set_.text || set_.clipboard) return find_text();
  if (set_.files.empty()) return send::SourceList{};  // --save-as alone
  // In the environment or the configuration it is a default for stdin, and no reason to refuse several files.
  const bool named = options_.on_command_line("name") || set_.files == std::vector<std::string>{"-"};
  return files_to_send(set_.files, named ? set_.name : std::nullopt, "sent", messages_, facts_);
}

Result<send::SourceList> Send::find_text() {
  if (set_.text == "-" && term::is_terminal(STDIN_FILENO)) messages_.say("Type the text; Ctrl-D at the end sends it.");
  auto text = set_.text ? given_text(*set_.text) : clipboard_to_send();
  if (!text) return tl::unexpected(text.error());
  text_ = std::move(*text);
  if (!text_.sources.sources.empty() && text_.what == "text.txt")
    messages_.notice("the text is long: it is sent as the file text.txt");
  return std::move(text_.sources);
}

}  // namespace

int main(int argc, char** argv) {
  SendSettings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  clear_left_runs();
  if (auto right = check_usage(settings, options); !right) return options.usage_error(right.error());
  return Send(settings, options).run();
}
