// qrx-share: gives everyone their own link to the files of a space, tells them, and shows who has downloaded.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>

#include "base/text.h"
#include "cli/exit.h"
#include "cli/local_time.h"
#include "cli/share/hand_out.h"
#include "cli/share/share_code.h"
#include "cli/share/share_settings.h"
#include "cli/share/sharing.h"
#include "cli/share/space_source.h"
#include "cli/signals.h"
#include "cli/space/kept_spaces.h"
#include "cli/space/unsaved.h"
#include "cli/tool.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

class Share : public Tool {
 public:
  Share(const ShareSettings& settings, const SharePlan& plan)
      : Tool("qrx-share", settings.common, shows_progress(settings.common)), set_(settings), plan_(plan) {}

  int run();

 private:
  Result<void> hand_out();
  Result<void> show_codes();
  Result<void> share_kept_space();
  Result<void> share_as_told();
  int code_of_rows();
  void say_stopped(int signal) override;

  const ShareSettings& set_;
  const SharePlan& plan_;
  Sharing sharing_{set_, plan_, messages_, stdout_, interrupt_};
  HandOut::Links links_ = HandOut::Links::none;
};

int Share::run() {
  ::unsetenv("QRX_IDENTITY");  // it is in set_; not for what is run from here
  heed_signals();
  Result<void> done;
  if (!set_.files.empty())
    done = hand_out();
  else
    done = set_.space == "-" ? share_as_told() : share_kept_space();
  if (done && set_.watch && set_.files.empty()) done = sharing_.watch();
  if (done) done = sharing_.report().say_done(sharing_.rows().all());
  if (!done) return end(done.error());
  return ended_by() != 0 && set_.files.empty() ? end({}) : code_of_rows();
}

int Share::code_of_rows() {
  const bool was_to_tell = !set_.list && !set_.dry_run && set_.revoke.empty() && !set_.watch;
  const auto& rows = sharing_.rows().all();
  return was_to_tell && std::any_of(rows.begin(), rows.end(), is_trouble) ? exit_partly : exit_done;
}

void Share::say_stopped(int signal) {
  if (set_.files.empty())
    return messages_.warn("interrupted", set_.watch ? "" : "run the same command again to resume");
  if (signal == SIGINT && term::is_terminal(STDERR_FILENO)) messages_.raw("\n");
  if (links_ == HandOut::Links::none) return messages_.warn("stopped; nothing was shared");
  if (links_ == HandOut::Links::lasting) return messages_.warn("stopped; the links still work");
  messages_.warn(plan_.only_code ? "stopped; the link no longer works" : "stopped; the links no longer work");
}

Result<void> Share::hand_out() {
  HandOut out(set_, plan_, messages_, stdout_, progress_, interrupt_);
  auto done = out.run(sharing_);
  links_ = out.close();
  return done;
}

// --qr, --qr-file: the codes of the links that the caller delivers.
Result<void> Share::show_codes() {
  if (!set_.qr.value_or(!set_.qr_file.empty())) return {};
  ShareCode code({set_.qr.value_or(false), set_.invert, set_.qr_file}, messages_, progress_);
  for (const RecipientRow& row : sharing_.rows().all()) {
    if (row.to.channel != wire::Channel::link || row.link.empty()) continue;
    const std::string until = local_time(row.share.expires, system_clock().wall());
    auto shown = code.show(row.link, {},
                           {"The link for " + escape_untrusted(wire::to_text(row.to)) + ", until " + until + ".",
                            "Scan it, open it in a browser, or run: qrx-recv LINK"},
                           0);
    if (!shown) return shown;
  }
  return {};
}

Result<void> Share::share_kept_space() {
  const auto server = plan_.server;
  const auto kept = set_.space.empty() ? newest_kept_space(server) : kept_space(*Id::parse(set_.space));
  if (!kept) return tl::unexpected(kept.error());
  sharing_.use(kept->link);
  auto done = sharing_.act();
  if (done) return show_codes();
  // The newest one is gone, by the server's word and by our clock: an older one may live longer.
  const bool gone = !done && done.error().kind == Kind::not_found && kept->expires <= system_clock().wall();
  if (!gone || !set_.space.empty()) return done;
  if (auto forgotten = forget_space(kept->link.guid); !forgotten) return done;
  return share_kept_space();
}

// In each space that stdin names.
Result<void> Share::share_as_told() {
  SpaceSource source(STDIN_FILENO);
  for (;;) {
    const auto link = source.next();
    if (!link) return tl::unexpected(link.error());
    if (!*link) return {};
    sharing_.use(**link);
    if (auto done = sharing_.act(); !done) return done;
    if (auto done = show_codes(); !done) return done;
    if (set_.watch) {
      source.let_run();
      return {};
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  ShareSettings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  clear_left_runs();
  const auto plan = plan_of(settings, options);
  if (!plan && plan.error().kind == Kind::usage) return options.usage_error(plan.error());
  if (!plan) return Share(settings, {}).end(plan.error());
  return Share(settings, *plan).run();
}
