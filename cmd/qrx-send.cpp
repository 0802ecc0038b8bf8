// qrx-send: checks the data, finds the drop link in a picture or takes it from the command line, uploads.
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/client_options.h"
#include "cli/exit.h"
#include "cli/places.h"
#include "cli/send/destination.h"
#include "cli/send/known_links.h"
#include "cli/send/link_scan.h"
#include "cli/send/send_report.h"
#include "cli/send/send_settings.h"
#include "cli/send/what_to_send.h"
#include "cli/signals.h"
#include "cli/space/unsaved.h"
#include "cli/tool.h"
#include "send/receipt_wait.h"
#include "send/sender.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

class Send : public Tool {
 public:
  Send(const SendSettings& settings, const Options& options)
      : Tool("qrx-send", settings.common, shows_progress(settings.common)),
        set_(settings),
        options_(options),
        where_(where_to(set_, options)),
        scan_(where_, messages_, progress_, shows_progress(set_.common)) {}

  int run();

 private:
  int scan_only();
  int forget();
  int send(Destination& destination, const WhatToSend& what);
  send::SenderOptions how_to_send(const wire::Origin& origin, const WhatToSend& what);
  int wait_for_receipt(const wire::DropLink& link, const send::SentDelivery& delivery, SendReport& report);
  void say_stopped(int) override {
    if (is_sent_)
      messages_.warn("stopped waiting; it was sent");
    else
      messages_.warn("interrupted", sending_ ? "run the same command again to resume" : "");
  }

  const SendSettings& set_;
  const Options& options_;
  ScanWish where_;
  LinkScan scan_;
  bool sending_ = false;  // the server may have something of it,
  bool is_sent_ = false;  // or all
};

int Send::run() {
  heed_signals();
  if (set_.scan_only) return scan_only();
  if (!set_.forget.empty()) return forget();
  const auto what = what_to_send(set_, options_, messages_, stdout_);
  if (!what) return end(what.error());
  auto destination = Destination::find(set_, options_, scan_, messages_, stdout_);
  if (!destination) return end(destination.error());
  if (ended_by() != 0) return end({});
  return send(*destination, *what);
}

int Send::scan_only() {
  const auto texts = scan_.texts();
  if (!texts) return end(texts.error());
  for (const auto& text : *texts) {
    auto said = stdout_.event(Event("code").text("text", text));
    if (said) said = stdout_.line(term::is_terminal(STDOUT_FILENO) ? escape_untrusted(text) : text);
    if (!said) return end(said.error());
  }
  return exit_done;
}

int Send::forget() {
  if (auto forgotten = forget_link(set_.forget); !forgotten) return end(forgotten.error());
  messages_.say("forgotten: " + set_.forget);
  return exit_done;
}

send::SenderOptions Send::how_to_send(const wire::Origin& origin, const WhatToSend& what) {
  send::SenderOptions how = cli::how_to_send(set_, origin);
  how.client.interrupt = interrupt_;
  how.message = what.message;
  if (what.passing) return how;
  if (const auto state = state_dir())
    how.state_dir = *state + "/send";
  else
    messages_.detail(state.error().what + ": an interrupted upload starts over");
  return how;
}

int Send::send(Destination& destination, const WhatToSend& what) {
  if (auto right = destination.check(); !right) return end(right.error());
  const wire::DropLink& link = destination.link();
  const bool at_terminal = term::is_terminal(STDERR_FILENO) && !messages_.quiet();
  SendReport report(what.shown, at_terminal && term::moves_cursor() && !set_.common.no_progress, messages_, stdout_,
                    progress_);
  send::Sender sender(link, how_to_send(link.origin, what), report.events([this] { stop(); }));
  sending_ = true;
  const auto drop = sender.look();
  if (!drop) return end(drop.error());
  if (auto saved = destination.save(); !saved) return end(saved.error());
  if (what.shown.empty()) return exit_done;  // that was all
  if (auto fits = send::Sender::check_limits(*drop, what.sources, sender.seals()); !fits) return end(fits.error());
  const auto words = destination.words();
  if (!words) return end(words.error());
  const std::string size = what.sources.has_stream ? "" : ", " + format_size(what.bytes());
  if (auto said = report.start(link, *drop, sender.seals(), size, *words); !said) return end(said.error());
  const auto delivery = sender.send(what.sources);
  if (!delivery) return end(delivery.error());
  progress_.clear();
  is_sent_ = true;
  // Kind::other, whatever it was: another exit status may mean "try again", which would send it twice.
  if (auto said = report.delivered(*delivery, set_.sha256); !said)
    return end({Kind::other, "sent, but the result could not be printed: " + said.error().what, {}});
  messages_.say("sent successfully");
  const int code = set_.wait ? wait_for_receipt(link, *delivery, report) : exit_done;
  if (code != exit_done && code != exit_partly) return code;
  if (auto said = report.done(*delivery); !said) return end(said.error());
  return what.skipped > 0 ? exit_partly : code;
}

int Send::wait_for_receipt(const wire::DropLink& link, const send::SentDelivery& delivery, SendReport& report) {
  progress_.status("Waiting until the receiver has saved it… (Ctrl-C to stop)");
  http::ClientOptions client = client_for(link.origin);
  client.interrupt = interrupt_;
  const auto result = send::await_receipt(link, client, delivery, set_.longest_wait);
  progress_.clear();
  if (!result) return end(result.error());
  const auto code = report.received(delivery, *result);
  return code ? *code : end(code.error());
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
