// qrx-share: gives everyone their own link to the files of a space, tells them, and shows who has downloaded.
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdlib>

#include "cli/client_options.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/kept_spaces.h"
#include "cli/link_key.h"
#include "cli/local_notices.h"
#include "cli/local_time.h"
#include "cli/notify_settings.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/recipient_rows.h"
#include "cli/recipients.h"
#include "cli/share_report.h"
#include "cli/share_table.h"
#include "cli/share_tellers.h"
#include "cli/share_watch.h"
#include "cli/signals.h"
#include "cli/space_source.h"
#include "cli/unsaved.h"
#include "cli/user_messages.h"
#include "http/interrupt.h"
#include "notify/courier.h"
#include "term/terminal.h"
#include "transfer/share_client.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

constexpr Seconds longest_settling{10};  // for what the server sends just now
constexpr Millis record_patience{5'000};

struct Settings {
  Common common;
  std::vector<std::string> recipients;
  std::vector<std::string> to_files;
  std::string space;
  std::string message;
  std::optional<Seconds> expire;
  std::optional<std::uint64_t> downloads;
  std::string via;
  bool with_key = false;
  std::string identity;
  bool again = false;
  bool watch = false;
  std::optional<Seconds> timeout;
  bool list = false;
  std::vector<std::string> revoke;
  bool dry_run = false;
};

Options describe(Settings& to) {
  Options options({"qrx-share",
                   "Give everyone their own link to the files of a space, tell them, and see who has downloaded.",
                   {"[OPTION]... RECIPIENT...", "--list | --watch | --revoke RECIPIENT|all [OPTION]..."},
                   {{"qrx-share alice@example.org +8613800138000", "what the last qrx-recv --keep received"},
                    {"qrx-recv --json --keep | qrx-share --space - --to-file team.txt", "everything in one line"},
                    {"qrx-share -e 2d -n 1 --watch --to-file team.txt", "links for one download each; wait for all"},
                    {"qrx-share --revoke all", "take every link back"}}});
  options.group("Who and what");
  options.texts("to-file", 0, "FILE", "more recipients, one a line, # comments", to.to_files, Completes::files);
  options.text("space", 0, "GUID|-",
               "another space than the newest kept one; - takes an owner link or the events of qrx-recv from stdin",
               to.space);
  options.text("message", 'm', "TEXT", "a few words for the notice", to.message);
  options.duration("expire", 'e', "how long each link is good", to.expire);
  options.number("downloads", 'n', "how often each link can be used up (default: no limit)", to.downloads, 1);
  options.group("The notices");
  options.choice("via", 0, {"server", "local"}, "who sends them: the server, or this machine by its own configuration",
                 to.via);
  options.flag("with-key", 0, "let the server send links with the key of a sealed space", to.with_key);
  options.text("identity", 0, "FILE", "the secret key of a sealed space that another machine opened", to.identity,
               Completes::files);
  options.flag("again", 0, "re-notify recipients whose status is unknown", to.again);
  options.group("Afterwards");
  options.flag("watch", 0, "wait until everyone has downloaded, showing who has", to.watch);
  options.duration("timeout", 't', "stop watching after this time", to.timeout);
  options.flag("list", 0, "show the links of the space and what became of them", to.list);
  options.texts("revoke", 0, "WHO", "take the link of this recipient back, at once; all: of everyone", to.revoke);
  options.flag("dry-run", 'd', "show what would be done, and do nothing", to.dry_run);
  options.common(to.common, true);
  options.arguments("RECIPIENT", to.recipients, Completes::nothing);
  return options;
}

std::atomic<http::Interrupt*> running{nullptr};

void stop_sharing() {
  if (auto* interrupt = running.load()) interrupt->raise();
}

class Share {
 public:
  Share(Settings settings, const Options& options)
      : set_(std::move(settings)), options_(options), messages_("qrx-share"), facts_(set_.common.json) {
    messages_.set_quiet(set_.common.quiet);
    messages_.set_verbosity(set_.common.verbose);
  }
  ~Share() { running = nullptr; }
  Share(const Share&) = delete;
  Share& operator=(const Share&) = delete;

  int run();

 private:
  int check_usage();
  int end(const Error& error);

  Result<void> act_in_space();
  void use(const OwnerLink& link);
  Result<void> act();
  Result<void> look();

  Result<void> share();
  void say_what_is_shared();
  Result<void> check_limits_of_known();
  Result<void> make_links();
  Result<void> tell_from_here(const std::vector<std::size_t>& whom);

  Result<void> preview();
  Result<void> watch();
  Result<void> say_all() { return report_.say_all(link_.guid, rows_->all()); }

  const Settings set_;
  const Options& options_;
  Messages messages_;
  Facts facts_;
  ShareReport report_{facts_, messages_};
  std::shared_ptr<http::Interrupt> interrupt_ = std::make_shared<http::Interrupt>();
  std::vector<wire::Recipient> recipients_;
  std::vector<wire::Recipient> revoked_;
  bool revokes_all_ = false;
  notify::Settings local_;
  Tellers tellers_{set_.via, local_};

  // Of the space.
  OwnerLink link_;
  std::unique_ptr<transfer::ShareClient> client_;
  std::unique_ptr<transfer::ShareClient> recorder_;  // of notices sent from here
  wire::SpaceInfo space_;
  std::string key_;  // for the fragments of links; empty where nothing is sealed to it
  std::optional<RecipientRows> rows_;
};

int Share::run() {
  if (const int wrong = check_usage()) return wrong;
  ::unsetenv("QRX_IDENTITY");  // it is in set_; not for what is run from here
  running = interrupt_.get();
  take_over_signals(stop_sharing);
  Result<void> done = act_in_space();
  if (done && set_.watch) done = watch();
  if (done) done = report_.say_done(rows_->all());
  if (!done) return end(done.error());
  if (ended_by() != 0) return end({});
  const bool was_to_tell = !set_.list && !set_.dry_run && set_.revoke.empty() && !set_.watch;
  const auto& rows = rows_->all();
  return was_to_tell && std::any_of(rows.begin(), rows.end(), is_trouble) ? exit_partly : exit_done;
}

int Share::check_usage() {
  const auto usage = [this](std::string what, std::string hint = {}) {
    return options_.usage_error(Error{Kind::usage, std::move(what), std::move(hint)});
  };
  const int actions = int{set_.list} + int{!set_.revoke.empty()} + int{set_.dry_run};
  if (actions > 1) return usage("--list, --revoke and --dry-run exclude each other");
  if (actions > 0 && set_.watch) return usage("--watch goes with sharing");
  if (options_.on_command_line("timeout") && !set_.watch) return usage("--timeout goes with --watch");
  if (!set_.space.empty() && options_.on_command_line("server"))
    return usage("--space and --server exclude each other");
  if (set_.message.size() > wire::most_share_message_bytes) return usage("--message: more than 500 bytes");
  if (set_.space == "-" && std::count(set_.to_files.begin(), set_.to_files.end(), "-") > 0)
    return usage("--space - and --to-file - both need stdin");
  if (!set_.space.empty() && set_.space != "-" && !Id::parse(set_.space))
    return usage("--space: '" + set_.space.substr(0, 60) + "' is not a GUID",
                 parse_owner_link(set_.space) ? "an owner link is a secret: give it on stdin, with --space -" : "");
  auto recipients = read_recipients(set_.recipients, set_.to_files);
  if (!recipients)
    return recipients.error().kind == Kind::usage ? options_.usage_error(recipients.error()) : end(recipients.error());
  recipients_ = std::move(*recipients);
  std::vector<std::string> revoked;
  for (const auto& text : set_.revoke)
    if (text != "all") revoked.push_back(text);
  auto names = read_recipients(revoked, {});
  if (!names) return options_.usage_error(names.error());
  revoked_ = std::move(*names);
  revokes_all_ = revoked.size() < set_.revoke.size();
  if (!set_.revoke.empty() && !recipients_.empty())
    return usage("--revoke and recipients to share with exclude each other");
  if (recipients_.empty() && !set_.list && set_.revoke.empty() && !set_.watch) return usage("there are no recipients");
  auto local = notify_settings(options_.config());
  if (!local) return usage(local.error().what, "these tables stand in " + config_path());
  local_ = std::move(*local);
  return 0;
}

int Share::end(const Error& error) {
  if (const int signal = ended_by()) {
    messages_.warn("interrupted", set_.watch ? "" : "run the same command again to resume");
    return exit_code_of_signal(signal);
  }
  if (facts_.closed()) return exit_code_of_signal(SIGPIPE);
  messages_.error(error);
  (void)facts_.event(
      Event("error").text("message", error.what).number("exit", static_cast<std::uint64_t>(exit_code(error.kind))));
  return exit_code(error.kind);
}

// --- in which space

Result<void> Share::act_in_space() {
  if (set_.space != "-") {
    const auto server = options_.on_command_line("server") ? set_.common.server : std::nullopt;
    const auto kept = set_.space.empty() ? newest_kept_space(server) : kept_space(*Id::parse(set_.space));
    if (!kept) return tl::unexpected(kept.error());
    use(kept->link);
    auto done = act();
    // The newest one is gone, by the server's word and by our clock: an older one may live longer.
    const bool gone = !done && done.error().kind == Kind::not_found && kept->expires <= system_clock().wall();
    if (!gone || !set_.space.empty()) return done;
    if (auto forgotten = forget_space(kept->link.guid); !forgotten) return done;
    return act_in_space();
  }
  SpaceSource source(STDIN_FILENO);
  for (;;) {
    const auto link = source.next();
    if (!link) return tl::unexpected(link.error());
    if (!*link) return {};
    use(**link);
    if (auto done = act(); !done) return done;
    if (set_.watch) {
      source.let_run();
      return {};
    }
  }
}

void Share::use(const OwnerLink& link) {
  if (client_ && link.text() == link_.text()) return;  // the next delivery to it
  link_ = link;
  http::ClientOptions options = client_for(link_.origin);
  // What was sent is recorded also after ^C, which ends the other requests at once.
  recorder_ = std::make_unique<transfer::ShareClient>(link, options, record_patience);
  options.interrupt = interrupt_;
  client_ = std::make_unique<transfer::ShareClient>(link, options);
}

Result<void> Share::act() {
  if (auto looked = look(); !looked) return looked;
  if (set_.dry_run) return preview();
  if (set_.list || !set_.revoke.empty()) {
    const auto done = set_.list ? rows_->list(recipients_) : rows_->revoke(revoked_, revokes_all_);
    return done ? say_all() : done;
  }
  return recipients_.empty() ? Result<void>() : share();
}

Result<void> Share::look() {
  auto space = client_->space();
  if (!space) return tl::unexpected(space.error());
  space_ = std::move(*space);
  const bool in_link = set_.identity.empty() && !link_.identity.empty();  // one that the receiver's page made
  auto key = find_link_key(link_.guid, space_, in_link ? link_.identity : set_.identity,
                           in_link || !options_.on_command_line("identity"));
  if (!key) return tl::unexpected(key.error());
  if (key->missing)
    messages_.warn(
        "the files are sealed, and there is no secret key of this space on this machine: the links cannot open them",
        "name the key with --identity, or tell it to the recipients yourself");
  key_ = std::move(key->text);
  rows_.emplace(*client_, key_);
  return {};
}

// --- sharing

Result<void> Share::share() {
  if (auto fit = check_limits_of_known(); !fit) return fit;
  say_what_is_shared();
  const auto report = [this](const Id& share, const wire::ReportShare& how) { return client_->report(share, how); };
  if (auto settled = settle_left_claims(link_.guid, report); !settled) return settled;
  if (auto made = make_links(); !made) return made;
  if (auto recorded = rows_->record_untold(); !recorded) return recorded;
  if (auto told = tell_from_here(rows_->told_by(Teller::local)); !told) {
    (void)say_all();
    return told;
  }
  if (auto settled = rows_->wait_until_settled(longest_settling); !settled) return settled;
  if (auto told = tell_from_here(tellers_.take_over(rows_->all())); !told) return told;
  if (auto said = say_all(); !said) return said;
  report_.warn_of_untold(rows_->all());
  return {};
}

// Before anybody is told: nobody should learn afterwards that it was another space than the one they had in mind.
void Share::say_what_is_shared() {
  if (space_.deliveries.empty()) return messages_.notice("the space holds nothing yet");
  std::string names;
  std::size_t shown = 0;
  const std::string what = summary_of(space_);
  for (const auto& delivery : space_.deliveries) {
    for (const auto& file : delivery.files) {
      if (file.sealed || file.name == wire::manifest_name || shown == 3) continue;
      names += (names.empty() ? ": " : ", ") + file.name;
      ++shown;
    }
  }
  messages_.notice("sharing " + what + " of space " + link_.guid.text() +
                   (space_.label.empty() ? "" : " (" + space_.label + ")") + " at " + link_.origin.url() + names);
}

// The server keeps the number of downloads of a link that exists.
Result<void> Share::check_limits_of_known() {
  if (!set_.downloads) return {};
  RecipientRows there(*client_, key_);
  if (auto listed = there.list(recipients_); !listed) return listed;
  for (const RecipientRow& row : there.all()) {
    if (row.share.state == wire::ShareState::revoked || row.share.limit == *set_.downloads) continue;
    const std::string to = wire::to_text(row.to);
    const std::string limit = row.share.limit == 0 ? "no limit" : std::to_string(row.share.limit) + " downloads";
    return fail(Kind::usage, "--downloads: " + to + " has a link already, with " + limit,
                "take it back first: qrx-share --revoke " + to);
  }
  return {};
}

Result<void> Share::make_links() {
  wire::CreateShares wish;
  wish.message = set_.message;
  wish.expire = set_.expire;
  wish.downloads = set_.downloads.value_or(0);
  wish.again = set_.again;
  wish.notify = tellers_.ask_server(!key_.empty(), set_.with_key);
  if (wish.notify && set_.with_key) wish.key = key_;
  auto server = wish.notify ? Tellers::Server::tells : Tellers::Server::not_asked;
  auto made = rows_->make(recipients_, wish);
  if (!made && wish.notify && made.error().kind == Kind::denied) {
    server = Tellers::Server::refuses;
    wish.notify = false;
    wish.key.clear();
    made = rows_->make(recipients_, wish);
  }
  if (!made) return made;
  const auto asked = set_.expire ? std::optional(system_clock().wall() + *set_.expire) : std::nullopt;
  constexpr Seconds clocks_differ{60};
  if (asked && !rows_->all().empty() && rows_->all().front().share.expires + clocks_differ < *asked)
    messages_.notice("the links work until " + local_time(rows_->all().front().share.expires, system_clock().wall()) +
                     ": no longer than the space does");
  if (set_.via == "server" && !key_.empty() && !set_.with_key)
    messages_.warn("the files are sealed, and the links that the server sends hold no key",
                   "use --via local, or --with-key to trust the server with the key");
  tellers_.assign(rows_->all(), server);
  return {};
}

Result<void> Share::tell_from_here(const std::vector<std::size_t>& whom) {
  if (whom.empty()) return {};
  auto senders = couriers(local_);
  if (!senders) return tl::unexpected(senders.error());
  const auto record = [this](const Id& share, const wire::ReportShare& how) { return recorder_->report(share, how); };
  auto& rows = rows_->all();
  std::vector<notify::Notice> notices;
  for (const std::size_t at : whom) notices.push_back(notice_of(rows[at], space_, set_.message));
  // Said as they end, but in the order of the recipients.
  std::vector<bool> ready;
  for (const RecipientRow& row : rows) ready.push_back(row.teller == Teller::nobody && is_settled(row));
  std::size_t said = 0;
  const auto ended = [&](std::size_t notice, std::optional<wire::ShareInfo> recorded) -> Result<void> {
    RecipientRow& row = rows[whom[notice]];
    ready[whom[notice]] = recorded.has_value();
    if (recorded)
      row.share = std::move(*recorded);
    else
      row.teller = Teller::nobody;  // in this run; what became of it is asked for later
    for (; said < rows.size() && ready[said]; ++said)
      if (auto done = report_.say(link_.guid, rows[said]); !done) return done;
    return {};
  };
  return LocalNotices(link_.guid, record, std::move(*senders), *interrupt_).send(notices, ended);
}

// --- without telling anybody

// --dry-run: who has a link already, and who would tell the others.
Result<void> Share::preview() {
  RecipientRows there(*client_, key_);
  if (auto listed = there.list(recipients_); !listed) return listed;
  const bool asks_server = tellers_.ask_server(!key_.empty(), set_.with_key);
  for (const auto& to : recipients_) {
    const RecipientRow* known = nullptr;
    for (const RecipientRow& row : there.all())
      if (row.to == to && row.share.state != wire::ShareState::revoked) known = &row;
    if (auto said = report_.say_expected(to, known, tellers_.expected(to, asks_server)); !said) return said;
  }
  messages_.notice("dry run: no link was made, nobody was told");
  return {};
}

Result<void> Share::watch() {
  if (rows_->all().empty())
    if (auto listed = rows_->list(); !listed) return listed;
  if (rows_->all().empty()) return fail(Kind::not_found, "nobody has a link to this space");
  if (auto said = say_all(); !said) return said;
  LiveTable table(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && term::moves_cursor() && !set_.common.quiet &&
                                     !set_.common.no_progress && !set_.common.json);
  const bool lines = !table.shown() || !term::is_terminal(STDOUT_FILENO);
  return watch_shares(link_.guid, *rows_, report_, lines, table, set_.timeout);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  clear_left_runs();
  return Share(settings, options).run();
}
