#include "cli/share/sharing.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "cli/client_options.h"
#include "cli/local_time.h"
#include "cli/share/link_key.h"
#include "cli/share/local_notices.h"
#include "cli/share/share_table.h"
#include "cli/share/share_watch.h"
#include "notify/courier.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

constexpr Seconds longest_settling{10};  // for what the server sends just now
constexpr Millis record_patience{5'000};

}  // namespace

Sharing::Sharing(const ShareSettings& settings, const SharePlan& plan, Messages& messages, StdoutWriter& to_stdout,
                 std::shared_ptr<http::Interrupt> interrupt)
    : set_(settings),
      plan_(plan),
      messages_(messages),
      report_(to_stdout, messages),
      interrupt_(std::move(interrupt)),
      choice_(set_.via, plan_.transports) {
  // At a terminal the link stands beside its code.
  if (plan_.only_code && !set_.common.json && term::is_terminal(STDOUT_FILENO)) report_.set_silent();
}

void Sharing::use(const wire::OwnerLink& link, const std::optional<wire::Origin>& shown) {
  if (client_ && link.text() == link_.text()) return;  // the next delivery to it
  link_ = link;
  shown_ = shown;
  http::ClientOptions options = client_for(link_.origin);
  // What was sent is recorded also after ^C, which ends the other requests at once: a notice that is not recorded would
  // be sent again.
  recorder_ = std::make_unique<api::ShareClient>(link, options, record_patience);
  options.interrupt = interrupt_;
  client_ = std::make_unique<api::ShareClient>(link, options);
}

Result<void> Sharing::act() {
  if (auto looked = look(); !looked) return looked;
  if (set_.dry_run) return preview();
  if (set_.list || !set_.revoke.empty()) {
    const auto done = set_.list ? rows_->list(plan_.recipients) : rows_->revoke(plan_.revoked, plan_.revokes_all);
    return done ? say_all() : done;
  }
  return plan_.recipients.empty() ? Result<void>() : share();
}

Result<void> Sharing::look() {
  auto space = client_->space();
  if (!space) return tl::unexpected(space.error());
  space_ = std::move(*space);
  const bool in_link = set_.identity.empty() && !link_.identity.empty();  // one that the receiver's page made
  auto key =
      find_link_key(link_.guid, space_, in_link ? link_.identity : set_.identity, in_link || plan_.key_may_be_text);
  if (!key) return tl::unexpected(key.error());
  if (key->missing)
    messages_.warn("the files are encrypted, and their secret key is not on this machine: the links cannot open them",
                   "name the key with --identity, or give it to the recipients yourself");
  key_ = std::move(key->text);
  rows_.emplace(*client_, key_, shown_);
  return {};
}

// --- sharing

Result<void> Sharing::share() {
  if (auto fit = check_limits_of_known(); !fit) return fit;
  if (set_.files.empty()) say_what_is_shared();
  const auto report = [this](const Id& share, const wire::ReportShare& how) { return client_->report(share, how); };
  // What an earlier run left open must be known before anybody is told again.
  if (auto settled = settle_left_claims(link_.guid, report); !settled) return settled;
  if (auto made = make_links(); !made) return made;
  // Before anybody is told: those whom nobody can tell are "failed" at the server, and not "queued" for ever.
  if (auto recorded = rows_->record_undeliverable(); !recorded) return recorded;
  if (auto told = tell_from_here(rows_->assigned_to(Notifier::local)); !told) {
    (void)say_all();
    return told;
  }
  if (auto settled = rows_->wait_until_settled(longest_settling); !settled) return settled;
  // The server does not know the commands of this machine: it has refused them by now.
  if (auto told = tell_from_here(choice_.take_over(rows_->all())); !told) return told;
  if (auto said = say_all(); !said) return said;
  report_.warn_of_undeliverable(rows_->all());
  return {};
}

// Before anybody is told: nobody should learn afterwards that it was another space than the one they had in mind.
void Sharing::say_what_is_shared() {
  if (space_.deliveries.empty()) return messages_.notice("nothing to share yet: no files have arrived");
  std::string names;
  std::size_t shown = 0;
  std::string what = summary_of(space_);
  bool sealed = false;
  for (const auto& delivery : space_.deliveries) {
    for (const auto& file : delivery.files) {
      sealed = sealed || file.sealed;
      if (file.sealed || file.name == wire::manifest_name || shown == 3) continue;
      names += (names.empty() ? ": " : ", ") + file.name;
      ++shown;
    }
  }
  if (sealed) what += " encrypted,";  // their size is not that of the files
  messages_.notice("sharing " + what + " of space " + link_.guid.text() +
                   (space_.label.empty() ? "" : " (" + space_.label + ")") + " at " + link_.origin.url() + names);
}

// The server keeps the number of downloads of a link that exists.
Result<void> Sharing::check_limits_of_known() {
  if (!set_.downloads) return {};
  RecipientRows there(*client_, key_, shown_);
  if (auto listed = there.list(plan_.recipients); !listed) return listed;
  for (const RecipientRow& row : there.all()) {
    if (row.share.state == wire::ShareState::revoked || row.share.limit == *set_.downloads) continue;
    const std::string to = wire::to_text(row.to);
    const std::string limit = row.share.limit == 0 ? "no limit" : std::to_string(row.share.limit) + " downloads";
    return fail(Kind::usage, "--downloads: " + to + " has a link already, with " + limit,
                "take it back first: qrx-share --revoke " + to);
  }
  return {};
}

Result<void> Sharing::make_links() {
  wire::CreateShares wish;
  wish.message = set_.message;
  wish.expire = set_.expire;
  wish.downloads = plan_.downloads;
  wish.again = set_.again;
  wish.notify = choice_.ask_server(!key_.empty(), set_.with_key);
  if (wish.notify && set_.with_key) wish.key = key_;
  auto server = wish.notify ? NotifierChoice::Server::tells : NotifierChoice::Server::not_asked;
  auto made = rows_->make(plan_.recipients, wish);
  // It sends no notices at all, and has made no links.
  if (!made && wish.notify && made.error().kind == Kind::denied) {
    server = NotifierChoice::Server::refuses;
    wish.notify = false;
    // Nor does it need the key then.
    wish.key.clear();
    made = rows_->make(plan_.recipients, wish);
  }
  if (!made) return made;
  warn_of_bounds();
  choice_.assign(rows_->all(), server);
  return {};
}

void Sharing::warn_of_bounds() {
  const auto asked = set_.expire ? std::optional(system_clock().wall() + *set_.expire) : std::nullopt;
  // A minute: what is asked and what is granted are told by two clocks.
  constexpr Seconds clocks_differ{60};
  if (asked && !rows_->all().empty() && rows_->all().front().share.expires + clocks_differ < *asked)
    messages_.notice("the links work until " + local_time(rows_->all().front().share.expires, system_clock().wall()) +
                     ": no longer than the space does");
  if (set_.via == "server" && !key_.empty() && !set_.with_key)
    messages_.warn("the files are encrypted, and links sent by the server do not include the key",
                   "use --via local, or --with-key to trust the server with the key");
}

Result<void> Sharing::tell_from_here(const std::vector<std::size_t>& whom) {
  if (whom.empty()) return {};
  auto senders = couriers(plan_.transports);
  if (!senders) return tl::unexpected(senders.error());
  const auto record = [this](const Id& share, const wire::ReportShare& how) { return recorder_->report(share, how); };
  auto& rows = rows_->all();
  std::vector<notify::Notice> notices;
  for (const std::size_t at : whom) notices.push_back(notice_of(rows[at], space_, set_.message));
  // Said as they end, but in the order of the recipients.
  std::vector<bool> ready;
  for (const RecipientRow& row : rows) ready.push_back(row.notifier == Notifier::nobody && is_settled(row));
  std::size_t said = 0;
  const auto ended = [&](std::size_t notice, std::optional<wire::ShareInfo> recorded) -> Result<void> {
    RecipientRow& row = rows[whom[notice]];
    ready[whom[notice]] = recorded.has_value();
    if (recorded)
      row.share = std::move(*recorded);
    else
      row.notifier = Notifier::nobody;  // in this run; what became of it is asked for later
    for (; said < rows.size() && ready[said]; ++said)
      if (auto done = report_.say(link_.guid, rows[said]); !done) return done;
    return {};
  };
  return LocalNotices(link_.guid, record, std::move(*senders), *interrupt_).send(notices, ended);
}

// --- without telling anybody

// --dry-run: who has a link already, and who would tell the others.
Result<void> Sharing::preview() {
  RecipientRows there(*client_, key_, shown_);
  if (auto listed = there.list(plan_.recipients); !listed) return listed;
  const bool asks_server = choice_.ask_server(!key_.empty(), set_.with_key);
  for (const auto& to : plan_.recipients) {
    const RecipientRow* known = nullptr;
    for (const RecipientRow& row : there.all())
      if (row.to == to && row.share.state != wire::ShareState::revoked) known = &row;
    if (auto said = report_.say_expected(to, known, choice_.expected(to, asks_server)); !said) return said;
  }
  messages_.notice("dry run: no link was created, nobody was notified");
  return {};
}

Result<void> Sharing::watch() {
  if (rows_->all().empty())
    if (auto listed = rows_->list(); !listed) return listed;
  if (rows_->all().empty()) return fail(Kind::not_found, "nobody has a link to this space");
  if (auto said = say_all(); !said) return said;
  LiveTable table(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && term::moves_cursor() && !set_.common.quiet &&
                                     !set_.common.no_progress && !set_.common.json);
  const bool lines = !table.shown() || !term::is_terminal(STDOUT_FILENO);
  WatchHow how;
  how.lines = lines;
  how.timeout = set_.timeout;
  how.changed = [&](const std::vector<RecipientRow>& rows) { table.draw(table_of(rows)); };
  return watch_shares(link_.guid, *rows_, report_, how);
}

}  // namespace qrx::cli
