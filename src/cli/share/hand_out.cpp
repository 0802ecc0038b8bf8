#include "cli/share/hand_out.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "cli/client_options.h"
#include "cli/local_time.h"
#include "cli/send/files_to_send.h"
#include "cli/send/send_report.h"
#include "cli/share/share_table.h"
#include "cli/share/share_watch.h"
#include "cli/signals.h"
#include "cli/space/attended_work.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

// The built-in server answers for so long after the last download: pages and tools that still ask are answered.
constexpr int linger_ms = 2'000;

// A download of which nothing more goes out has stopped, until it goes on.
constexpr Seconds stopped_after{6};

CodeWishes code_wishes(const ShareSettings& set, bool only_code) {
  return {set.qr.value_or(only_code && term::is_terminal(STDERR_FILENO)), set.invert, set.qr_file};
}

std::string times(std::uint64_t downloads) {
  if (downloads == 0) return "any number of downloads";
  return downloads == 1 ? "one download" : std::to_string(downloads) + " downloads";
}

}  // namespace

HandOut::HandOut(const ShareSettings& settings, const SharePlan& plan, Messages& messages, StdoutWriter& to_stdout,
                 term::ProgressLine& progress, std::shared_ptr<http::Interrupt> interrupt)
    : set_(settings),
      plan_(plan),
      messages_(messages),
      stdout_(to_stdout),
      progress_(progress),
      interrupt_(std::move(interrupt)),
      code_(code_wishes(settings, plan.only_code), messages, progress) {}

HandOut::~HandOut() {
  close();
}

Result<void> HandOut::run(Sharing& sharing) {
  if (auto done = check(); !done) return done;
  // The space is made only when there is something to put into it.
  if (auto done = open(); !done) return done;
  if (auto done = fill(); !done) return done;
  // With the identity the links get their key.
  wire::OwnerLink link = space_->link();
  if (space_->identity()) link.identity = space_->identity()->text();
  sharing.use(link, space_->drop().origin);
  if (auto done = sharing.act(); !done) return done;
  shared_ = true;
  if (auto done = show(sharing); !done) return done;
  if (!waits()) return {};
  if (auto done = wait(sharing); !done) return done;
  return linger();
}

// --- the files, before anything else happens

Result<void> HandOut::check() {
  auto sources = files_to_send(set_.files, set_.name, "shared", messages_, stdout_);
  if (!sources) return tl::unexpected(sources.error());
  sources_ = std::move(*sources);
  if (!sources_.errors.empty()) {
    // All are named; the last one is the error.
    for (std::size_t i = 0; i + 1 < sources_.errors.size(); ++i) messages_.warn(sources_.errors[i].what);
    return tl::unexpected(sources_.errors.back());
  }
  what_ = what_is_sent(sources_);
  return {};
}

Result<void> HandOut::open() {
  SpaceToOpen plan;
  plan.server = set_.common.server;
  plan.bind = set_.bind;
  plan.public_url = set_.public_url;
  plan.token_file = set_.token_file;
  plan.wish.seal = set_.seal == "off" ? wire::Seal::off : wire::Seal::require;
  plan.wish.expire = set_.expire;  // no link outlives its space
  plan.copies = true;
  plan.keep = lasts();
  auto opened = OpenedSpace::open(plan, messages_);
  if (!opened) return tl::unexpected(opened.error());
  space_.emplace(std::move(*opened));
  return stdout_.event(space_->event({}));
}

// --- into the space

Result<void> HandOut::fill() {
  Result<send::SentDelivery> sent = fail(Kind::other, "nothing was sent");
  const auto done = attend([&]() -> Result<void> {
    sent = send();
    return sent ? Result<void>() : tl::unexpected(sent.error());
  });
  if (!done) return done;
  progress_.clear();
  what_ += ", " + format_size(bytes_of(*sent));
  return stdout_.event(event_of(*sent));
}

Result<send::SentDelivery> HandOut::send() {
  wire::DropLink drop = space_->drop();
  drop.origin = space_->link().origin;  // where this machine reaches it
  send::SenderOptions how;              // no state: no later run knows this space
  how.client = client_for(drop.origin);
  how.client.interrupt = interrupt_;
  how.preserve = set_.preserve;
  if (set_.seal == "off") how.seal = send::SealChoice::off;
  SendReport report(what_, false, messages_, stdout_, progress_);
  send::Sender sender(drop, how, report.events([this] { interrupt_->raise(); }));
  const auto looked = sender.look();
  if (!looked) return tl::unexpected(looked.error());
  // Before a byte is sent: what does not fit is not begun.
  if (auto fits = send::Sender::check_limits(*looked, sources_, sender.seals()); !fits)
    return tl::unexpected(fits.error());
  return sender.send(sources_);
}

// --- the links

Result<void> HandOut::show(Sharing& sharing) {
  std::vector<std::string> before;
  if (const auto* own = space_->own_server()) before = own->describe(set_.bind.empty() && !set_.public_url);
  if (!plan_.only_code) {
    for (const auto& line : before) messages_.say(line);
    messages_.say("Sharing " + what_ + (lasts() ? "; take the links back with: qrx-share --revoke all" : "."));
  }
  for (const RecipientRow& row : sharing.rows().all()) {
    if (row.to.channel != wire::Channel::link || !(plan_.only_code || set_.qr.value_or(!set_.qr_file.empty())))
      continue;
    const std::string until = local_time(row.share.expires, system_clock().wall());
    const std::string whom = plan_.only_code ? "" : " (" + escape_untrusted(wire::to_text(row.to)) + ")";
    if (auto shown =
            code_.show(row.link, plan_.only_code ? before : std::vector<std::string>(),
                       {"Scan to download " + what_ + whom + "; " + times(row.share.limit) + ", until " + until + ".",
                        "Or open the link in a browser, or run: qrx-recv LINK"},
                       plan_.only_code ? 1 : 0);
        !shown)
      return shown;
  }
  return {};
}

Result<void> HandOut::wait(Sharing& sharing) {
  LiveTable table(STDERR_FILENO, !plan_.only_code && term::is_terminal(STDERR_FILENO) && term::moves_cursor() &&
                                     !set_.common.quiet && !set_.common.no_progress && !set_.common.json);
  WatchHow how;
  how.used_up = true;
  how.timeout = set_.timeout;
  how.screen = &code_.screen();
  how.changed = [&](const std::vector<RecipientRow>& rows) {
    if (plan_.only_code) return say_standing(rows);
    table.draw(table_of(rows));
  };
  how.lines = !table.shown() || !term::is_terminal(STDOUT_FILENO);
  const auto done = attend([&] { return watch_shares(sharing.guid(), sharing.rows(), sharing.report(), how); });
  if (!done) return done;
  progress_.clear();
  messages_.say(plan_.only_code ? "downloaded: " + what_ : "everyone has downloaded " + what_);
  return {};
}

void HandOut::say_standing(const std::vector<RecipientRow>& rows) {
  const wire::ShareInfo& share = rows.front().share;
  if (share.limit > 0 && share.downloads >= share.limit) return;  // nothing is waited for any more
  if (share.fetching && is_moving(*share.fetching)) {
    const std::string which = share.limit > 1 ? " " + std::to_string(share.downloads + 1) : "";
    return code_.progress("Downloading" + which, share.fetching->bytes, share.fetching->total);
  }
  std::string text =
      share.state == wire::ShareState::opened ? "Opened; not downloaded yet…" : "Waiting for a download…";
  if (share.downloads > 0)
    text = "Downloaded " + (share.downloads == 1 ? "once" : std::to_string(share.downloads) + " times") +
           (share.limit > 0 ? " of " + std::to_string(share.limit) : "") + "; waiting…";
  if (share.fetching) text = "The download has stopped at " + percent_of(*share.fetching) + "; waiting…";
  code_.status(text + " (Ctrl-C to stop)");
}

bool HandOut::is_moving(const wire::Fetching& fetching) {
  const Steady now = system_clock().steady();
  if (!(fetched_ == fetching)) moved_ = now;
  fetched_ = fetching;
  return now - moved_ < stopped_after;
}

Result<void> HandOut::linger() const {
  if (!space_->own_server()) return {};
  pollfd signal{ended_by_fd(), POLLIN, 0};
  (void)::poll(&signal, 1, linger_ms);  // a signal only ends it early: everyone has what they may have
  return {};
}

// In another thread, while this one looks after the window and the built-in server.
Result<void> HandOut::attend(const std::function<Result<void>()>& work) {
  Result<void> done;
  const auto died =
      run_attended([&] { done = work(); },
                   Attention{[this] { code_.redraw(); }, space_->own_server(), [this] { interrupt_->raise(); }, {}});
  if (!died) return tl::unexpected(died.error());
  if (*died && !done && ended_by() == 0) return fail(Kind::other, "the built-in server stopped unexpectedly");
  return done;
}

// --- the end

HandOut::Links HandOut::close() {
  if (!space_) return Links::none;
  progress_.clear();
  // Before the links were made nobody has one: the space is of no use.
  const bool stays = lasts() && shared_;
  if (!stays) {
    if (auto closed = space_->close(); !closed)
      messages_.warn("the links may work until they expire: " + closed.error().what);
  }
  space_.reset();
  if (!shared_) return Links::none;
  return stays ? Links::lasting : Links::ended;
}

}  // namespace qrx::cli
