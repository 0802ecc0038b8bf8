// qrx-share: gives everyone a link of his own to what a space holds, tells them, and shows who has downloaded.
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <map>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "base/units.h"
#include "cli/client.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/identities.h"
#include "cli/kept_spaces.h"
#include "cli/messages.h"
#include "cli/notify_settings.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/recipients.h"
#include "cli/send_claims.h"
#include "cli/share_table.h"
#include "cli/signals.h"
#include "http/interrupt.h"
#include "notify/courier.h"
#include "term/terminal.h"
#include "transfer/patience.h"
#include "transfer/share_client.h"
#include "wire/event_line.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

constexpr Seconds longest_settling{10};  // for what the server sends just now
constexpr Seconds longest_local_wait{
    20};  // before trying again from here; what asks for more fails, and the next run tries again
constexpr int most_local_attempts = 3;
constexpr std::size_t most_at_once = 4;  // notices from here
constexpr Seconds longest_poll{55};
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
                   "Give everyone a link of his own to what a space holds, tell them, and see who has downloaded.",
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
  options.flag("again", 0, "also tell those again of whom it is not known whether they were told", to.again);
  options.group("Afterwards");
  options.flag("watch", 0, "wait until everyone has downloaded, showing who has", to.watch);
  options.duration("timeout", 't', "stop watching after so long", to.timeout);
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

bool is_settled(wire::ShareState state) {
  return state != wire::ShareState::queued && state != wire::ShareState::sending;
}

std::string summary_of(const wire::SpaceInfo& space) {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  for (const auto& delivery : space.deliveries) {
    for (const auto& file : delivery.files) {
      if (file.name == wire::manifest_name) continue;
      ++files;
      bytes += file.size;
    }
  }
  return (files == 1 ? "1 file" : std::to_string(files) + " files") + ", " + format_size(bytes);
}

// One recipient of this run.
struct Row {
  wire::Recipient to;
  wire::ShareInfo share;
  std::string via;      // "server" or "local"; empty: nobody tells
  std::string untold;   // why nobody does
  std::string printed;  // the line as it was said last
  bool ready = false;   // it can be said: nothing more happens to it while notices are sent
};

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
  Result<void> act();

  void use(const OwnerLink& link);
  http::ClientOptions client_options(std::shared_ptr<http::Interrupt> interrupt) const;
  Result<void> find_space();
  Result<void> follow_events(std::string first_line);
  Result<bool> take_event(const std::string& line);

  Result<void> look();
  Result<void> find_key();
  Result<void> settle_left_claims();
  Result<void> share();
  Result<void> make_links();
  Result<wire::Shares> create(bool notify);
  Result<void> send_from_here();
  Result<void> send_one(notify::Courier& courier, Row& row);
  notify::Outcome tell(notify::Courier& courier, const Row& row);
  Result<void> wait_for_server();
  bool take_over_commands();
  void explain_untold();

  Result<void> list();
  Result<void> revoke();
  Result<void> preview();
  Result<void> watch();
  Result<void> refresh(wire::Shares shares);

  std::string link_of(const wire::ShareInfo& share) const;
  Result<void> say(Row& row);
  Result<void> say_ready();
  Result<void> say_all();
  Result<void> say_done();

  Settings set_;
  const Options& options_;
  Messages messages_;
  Facts facts_;
  std::shared_ptr<http::Interrupt> interrupt_ = std::make_shared<http::Interrupt>();
  std::vector<wire::Recipient> recipients_;
  std::vector<wire::Recipient> revoked_;
  notify::Settings local_;
  OwnerLink link_;
  std::unique_ptr<transfer::ShareClient> client_;
  std::unique_ptr<transfer::ShareClient> reporter_;  // of notices sent from here
  wire::SpaceInfo space_;
  SharedIdentity identity_;
  bool with_key_ = false;  // the links carry the key
  bool shared_ = false;    // at least once
  std::vector<Row> rows_;
  std::size_t said_ = 0;  // rows from the front of rows_
  std::uint64_t seq_ = 0;
  std::mutex mutex_;  // of reporter_ and of what is said, while several threads send
};

// --- before anything happens

int Share::check_usage() {
  const auto usage = [this](std::string what, std::string hint = {}) {
    return options_.usage_error(Error{Kind::usage, std::move(what), std::move(hint)});
  };
  const int actions = int{set_.list} + int{!set_.revoke.empty()} + int{set_.dry_run};
  if (actions > 1) return usage("--list, --revoke and --dry-run exclude each other");
  if (actions > 0 && set_.watch) return usage("--watch goes with sharing");
  if (set_.timeout && !set_.watch) return usage("--timeout goes with --watch");
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
    messages_.warn("interrupted", set_.watch ? "" : "the same command goes on where this one stopped");
    return exit_code_of_signal(signal);
  }
  if (facts_.closed()) return exit_code_of_signal(SIGPIPE);
  messages_.error(error);
  (void)facts_.event(
      Event("error").text("message", error.what).number("exit", static_cast<std::uint64_t>(exit_code(error.kind))));
  return exit_code(error.kind);
}

// --- the space

void Share::use(const OwnerLink& link) {
  link_ = link;
  client_ = std::make_unique<transfer::ShareClient>(link, client_options(interrupt_));
  // What was sent is recorded also after ^C, which ends the other requests at once.
  reporter_ = std::make_unique<transfer::ShareClient>(link, client_options(nullptr), record_patience);
}

http::ClientOptions Share::client_options(std::shared_ptr<http::Interrupt> interrupt) const {
  http::ClientOptions client = client_for(link_.origin);
  client.interrupt = std::move(interrupt);
  return client;
}

// One line, byte by byte: what follows belongs to follow_events().
Result<std::optional<std::string>> next_line() {
  std::string line;
  for (;;) {
    char byte = 0;
    pollfd waits[2] = {{STDIN_FILENO, POLLIN, 0}, {ended_by_fd(), POLLIN, 0}};
    if (::poll(waits, 2, -1) < 0 && errno != EINTR) return fail_errno("cannot read standard input");
    if (ended_by() != 0) return fail(Kind::unavailable, "interrupted");
    const ssize_t got = ::read(STDIN_FILENO, &byte, 1);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno("cannot read standard input");
    if (got == 0) return line.empty() ? std::nullopt : std::optional(line);
    if (byte == '\n') return line;
    line += byte;
    if (line.size() > wire::most_event_bytes)
      return fail(Kind::usage, "standard input holds neither an owner link nor events");
  }
}

Result<void> Share::find_space() {
  const WallTime now = system_clock().wall();
  const auto server = options_.on_command_line("server") ? set_.common.server : std::nullopt;
  auto kept = set_.space.empty() ? newest_kept_space(now, server) : kept_space(*Id::parse(set_.space), now);
  if (!kept) return tl::unexpected(kept.error());
  messages_.detail("space " + kept->link.guid.text() + (kept->label.empty() ? "" : " (" + kept->label + ")") + " at " +
                   kept->link.origin.url());
  use(kept->link);
  return {};
}

// Shares at each delivery that qrx-recv tells of; with --watch at the first.
Result<void> Share::follow_events(std::string first_line) {
  std::optional<std::string> line = std::move(first_line);
  while (line) {
    auto delivered = take_event(*line);
    if (!delivered) return tl::unexpected(delivered.error());
    if (*delivered) {
      if (auto done = act(); !done) return done;
      shared_ = true;
      if (set_.watch) {
        // The one at the other end of the pipe must not be stopped by it.
        std::thread([] {
          char rest[4096];
          while (::read(STDIN_FILENO, rest, sizeof rest) > 0 || errno == EINTR) {
          }
        }).detach();
        return {};
      }
    }
    auto next = next_line();
    if (!next) return tl::unexpected(next.error());
    line = std::move(*next);
  }
  if (!shared_) return fail(Kind::other, "nothing was delivered: there is nothing to share");
  return {};
}

// Whether it tells of a delivery.
Result<bool> Share::take_event(const std::string& line) {
  if (trim(line).empty()) return false;
  auto members = wire::read_event_line(line);
  if (!members) return fail(Kind::usage, "standard input holds no events of qrx-recv --json: " + members.error().what);
  auto& member = *members;
  if (member["event"] == "space") {
    const auto owner = parse_owner_link(member["owner"]);
    if (!owner) return fail(Kind::usage, "the event \"space\" on standard input holds no owner link");
    use(*owner);
  }
  if (member["event"] != "delivered") return false;
  if (!client_) return fail(Kind::usage, "standard input tells of a delivery before it names a space");
  return true;
}

Result<void> Share::look() {
  auto space = client_->space();
  if (!space) return tl::unexpected(space.error());
  space_ = std::move(*space);
  return find_key();
}

// The key goes into links where something is sealed to it. It never leaves this machine but for them.
Result<void> Share::find_key() {
  with_key_ = false;
  bool anything = false;
  bool sealed = false;
  for (const auto& delivery : space_.deliveries) {
    for (const auto& file : delivery.files) {
      anything = true;
      sealed = sealed || file.sealed;
    }
  }
  if (!identity_) {
    auto identity = set_.identity.empty() ? kept_identity(link_.guid)
                                          : given_identity(set_.identity, !options_.on_command_line("identity"));
    if (!identity) return tl::unexpected(identity.error());
    identity_ = *identity;
    ::unsetenv("QRX_IDENTITY");  // not for what is run from here
  }
  const bool may_come = !anything && space_.seal != wire::Seal::off;
  with_key_ = identity_ && (sealed || may_come);
  if (sealed && !identity_)
    messages_.warn(
        "the files are sealed, and there is no secret key of this space on this machine: the links cannot open them",
        "name the key with --identity, or tell it to the recipients yourself");
  return {};
}

std::string Share::link_of(const wire::ShareInfo& share) const {
  if (!with_key_) return share.link;
  return share.link + "#" + identity_->text();
}

// --- sharing

// What a run left that ended between sending and recording.
Result<void> Share::settle_left_claims() {
  for (const LeftClaim& left : left_claims(link_.guid)) {
    wire::ReportShare report{wire::ShareState::unknown, "qrx-share ended between sending and recording"};
    if (left.outcome == "sent") report = {wire::ShareState::sent, {}};
    if (left.outcome == "failed") report = {wire::ShareState::failed, "qrx-share ended before it recorded why"};
    const auto told = client_->report(left.share, report);
    // Known better by now, revoked, or gone with its link.
    const bool settled = told || told.error().kind == Kind::conflict || told.error().kind == Kind::not_found;
    if (!settled) return tl::unexpected(told.error());
    forget_left_claim(link_.guid, left.share);
  }
  return {};
}

Result<wire::Shares> Share::create(bool notify) {
  wire::CreateShares wish;
  for (const auto& recipient : recipients_) wish.recipients.push_back(wire::to_text(recipient));
  wish.message = set_.message;
  wish.expire = set_.expire;
  wish.downloads = set_.downloads.value_or(0);
  wish.notify = notify;
  wish.again = set_.again;
  if (notify && with_key_ && set_.with_key) wish.key = identity_->text();
  auto shares = client_->create(wish);
  if (shares && shares->shares.size() != recipients_.size())
    return fail(Kind::other, "the server answered about other recipients");
  return shares;
}

Result<void> Share::make_links() {
  // For a sealed space the default is this machine: the key is in the link.
  const bool ask_server = set_.via == "server" || (set_.via.empty() && (!with_key_ || set_.with_key));
  bool by_server = ask_server;
  auto shares = create(by_server);
  std::string refusal;
  if (!shares && by_server && shares.error().kind == Kind::denied) {
    refusal = shares.error().what;
    by_server = false;
    shares = create(false);
  }
  if (!shares) return tl::unexpected(shares.error());
  seq_ = shares->seq;
  if (set_.via == "server" && with_key_ && !set_.with_key)
    messages_.warn("the files are sealed, and the links that the server sends hold no key",
                   "use --via local, or --with-key to trust the server with the key");
  std::map<std::string, std::string> printed;
  for (Row& row : rows_) printed[wire::to_text(row.to)] = row.printed;
  rows_.clear();
  said_ = 0;
  for (std::size_t i = 0; i < recipients_.size(); ++i) {
    Row row{recipients_[i], std::move(shares->shares[i]), {}, {}, {}, false};
    row.printed = printed[wire::to_text(row.to)];
    const auto state = row.share.state;
    const bool to_be_told = row.to.channel != wire::Channel::link &&
                            (state == wire::ShareState::queued || state == wire::ShareState::failed);
    if (to_be_told && by_server && state == wire::ShareState::queued) {
      row.via = "server";
    } else if (to_be_told && set_.via != "server" && notify::Courier("", local_).has(row.to.channel)) {
      row.via = "local";
    } else if (to_be_told && set_.via == "local") {
      row.untold = "this machine has no transport for " + std::string(wire::to_text(row.to.channel));
    } else if (to_be_told && by_server) {
      row.via = "server";  // and it failed there: the server says why
    } else if (to_be_told) {
      row.untold = !refusal.empty() ? refusal
                                    : "this machine has no transport for " + std::string(wire::to_text(row.to.channel));
    }
    row.ready = row.via.empty() && row.share.state != wire::ShareState::sending;
    rows_.push_back(std::move(row));
  }
  return {};
}

notify::Outcome Share::tell(notify::Courier& courier, const Row& row) {
  notify::Notice notice;
  notice.id = row.share.share;
  notice.to = row.to;
  notice.from = space_.label;
  notice.message = set_.message;
  notice.link = link_of(row.share);
  notice.summary = summary_of(space_);
  notice.expires = row.share.expires;
  Seconds pause{1};
  for (int attempt = 1;; ++attempt) {
    notify::Outcome outcome = courier.send(notice);
    if (outcome.state != notify::Outcome::State::later) return outcome;
    const Seconds wait = std::max(pause, outcome.retry_after.value_or(Seconds{0}));
    if (attempt == most_local_attempts || wait > longest_local_wait ||
        !transfer::pause(*interrupt_, std::chrono::duration_cast<Millis>(wait))) {
      outcome.state = notify::Outcome::State::failed;
      return outcome;
    }
    pause *= 3;
  }
}

Result<void> Share::send_one(notify::Courier& courier, Row& row) {
  auto claim = SendClaim::begin(link_.guid, row.share.share);
  if (!claim) {
    if (claim.error().kind != Kind::locked) return tl::unexpected(claim.error());
    row.via.clear();
    return {};
  }
  const auto record = [&](const wire::ReportShare& report) {
    const std::lock_guard lock(mutex_);
    return reporter_->report(row.share.share, report);
  };
  auto claimed = record({wire::ShareState::sending, {}});
  if (!claimed) {
    row.via.clear();
    if (claimed.error().kind != Kind::conflict) {
      claim->note("failed");  // nothing was sent, but the server may hold our claim: the next run takes it back
      return tl::unexpected(claimed.error());
    }
    claim->end();  // somebody else tells; what became of it is asked for below
    return {};
  }
  const notify::Outcome outcome = tell(courier, row);
  wire::ReportShare report{wire::ShareState::failed, outcome.reason};
  if (outcome.state == notify::Outcome::State::sent) report.state = wire::ShareState::sent;
  if (outcome.state == notify::Outcome::State::unknown) report.state = wire::ShareState::unknown;
  if (report.state != wire::ShareState::unknown) claim->note(wire::to_text(report.state));
  auto recorded = record(report);
  if (!recorded && recorded.error().kind != Kind::conflict)
    return tl::unexpected(recorded.error());  // the claim stays for the next run
  claim->end();
  if (recorded) row.share = std::move(*recorded);
  return {};
}

Result<void> Share::send_from_here() {
  std::vector<Row*> to_send;
  for (Row& row : rows_)
    if (row.via == "local") to_send.push_back(&row);
  if (to_send.empty()) return {};
  const auto helper = find_program("qrx-notify");
  if (!helper) return tl::unexpected(helper.error());
  std::atomic<std::size_t> next{0};
  std::optional<Error> trouble;
  const auto work = [&] {
    notify::Courier courier(*helper, local_);
    for (std::size_t at = next++; at < to_send.size(); at = next++) {
      Result<void> done = fail(Kind::unavailable, "interrupted");
      if (ended_by() == 0) done = send_one(courier, *to_send[at]);
      const std::lock_guard lock(mutex_);
      if (done) {
        to_send[at]->ready = is_settled(to_send[at]->share.state);
        done = say_ready();
      }
      if (done) continue;
      if (!trouble) trouble = done.error();
      next = to_send.size();
    }
  };
  // Most of the time of a notice is waiting for the other side.
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < std::min(most_at_once, to_send.size()); ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (trouble) return tl::unexpected(*trouble);
  return {};
}

Result<void> Share::refresh(wire::Shares shares) {
  seq_ = shares.seq;
  std::map<Id, wire::ShareInfo*> by_id;
  for (auto& share : shares.shares) by_id[share.share] = &share;
  for (Row& row : rows_)
    if (const auto found = by_id.find(row.share.share); found != by_id.end()) row.share = *found->second;
  return {};
}

// Notices that the server sends now, or that another run does.
Result<void> Share::wait_for_server() {
  const auto limit = std::chrono::steady_clock::now() + longest_settling;
  for (;;) {
    const bool waits = std::any_of(rows_.begin(), rows_.end(), [](const Row& row) {
      return row.untold.empty() && row.to.channel != wire::Channel::link && !is_settled(row.share.state);
    });
    const auto left = std::chrono::ceil<Seconds>(limit - std::chrono::steady_clock::now());
    if (!waits || left <= Seconds{0}) return {};
    auto shares = client_->list(seq_, left);
    if (!shares) return tl::unexpected(shares.error());
    if (auto done = refresh(std::move(*shares)); !done) return done;
  }
}

// Which commands a server has is told only by its failing: those that this machine has are run here then.
bool Share::take_over_commands() {
  bool any = false;
  for (Row& row : rows_) {
    const bool is_ours = row.to.channel == wire::Channel::exec &&
                         local_.commands.count(row.to.address.substr(0, row.to.address.find(':'))) > 0;
    const bool taken =
        set_.via.empty() && row.via == "server" && is_ours && row.share.state == wire::ShareState::failed;
    if (taken)
      row.via = "local";
    else if (row.via == "local")
      row.via.clear();  // done
    any = any || taken;
  }
  return any;
}

void Share::explain_untold() {
  std::map<std::string, std::size_t> reasons;
  for (const Row& row : rows_)
    if (!row.untold.empty()) ++reasons[row.untold];
  for (const auto& [reason, count] : reasons)
    messages_.warn(
        (count == 1 ? "1 recipient was not told: " : std::to_string(count) + " recipients were not told: ") + reason,
        "hand over the links yourself, or configure a transport, [notify.mail] and such, in " + config_path() +
            " or on the server: qrx-serve.toml(5)");
}

Result<void> Share::share() {
  if (auto looked = look(); !looked) return looked;
  if (space_.deliveries.empty()) messages_.notice("the space holds nothing yet");
  if (auto settled = settle_left_claims(); !settled) return settled;
  if (auto made = make_links(); !made) return made;
  const auto sent = send_from_here();
  if (!sent) {
    (void)say_all();
    return sent;
  }
  if (auto settled = wait_for_server(); !settled) return settled;
  if (take_over_commands())
    if (auto taken = send_from_here(); !taken) return taken;
  if (auto said = say_all(); !said) return said;
  explain_untold();
  return {};
}

// --- what is said

bool is_trouble(const Row& row) {
  return !row.untold.empty() || row.share.state == wire::ShareState::failed ||
         row.share.state == wire::ShareState::unknown;
}

Result<void> Share::say(Row& row) {
  const std::string to = wire::to_text(row.to);
  const std::string state(row.untold.empty() || row.share.state != wire::ShareState::queued
                              ? wire::to_text(row.share.state)
                              : wire::to_text(wire::ShareState::failed));
  const std::string link = link_of(row.share);
  const std::string reason = row.untold.empty() ? row.share.reason : row.untold;
  const std::string line = to + "\t" + state + "\t" + link;
  if (line + reason == row.printed) return {};
  row.printed = line + reason;
  if (facts_.json()) {
    Event event("share");
    event.text("space", link_.guid.text())
        .text("share", row.share.share.text())
        .text("to", to)
        .text("state", state)
        .text("reason", reason);
    event.text("link", link)
        .text("via", row.via)
        .number("downloads", row.share.downloads)
        .number("limit", row.share.limit);
    return facts_.event(event.text("expires", to_rfc3339(row.share.expires)));
  }
  if (is_trouble(row) && row.untold.empty() && !reason.empty()) messages_.warn(to + ": " + reason);
  return facts_.line(line);
}

// In the order of the recipients, whoever was told first.
Result<void> Share::say_ready() {
  for (; said_ < rows_.size() && rows_[said_].ready; ++said_)
    if (auto said = say(rows_[said_]); !said) return said;
  return {};
}

Result<void> Share::say_all() {
  for (Row& row : rows_)
    if (auto said = say(row); !said) return said;
  return {};
}

Result<void> Share::say_done() {
  const auto failed = static_cast<std::uint64_t>(std::count_if(rows_.begin(), rows_.end(), is_trouble));
  return facts_.event(Event("done").number("recipients", rows_.size()).number("failed", failed));
}

// --- the other things one can ask for

Result<void> Share::list() {
  if (auto looked = look(); !looked) return looked;
  auto shares = client_->list();
  if (!shares) return tl::unexpected(shares.error());
  seq_ = shares->seq;
  for (auto& share : shares->shares) {
    auto to = wire::parse_recipient(share.to);
    if (!to) return fail(Kind::other, "the server's answer is not understood: " + to.error().what);
    if (!recipients_.empty() && std::find(recipients_.begin(), recipients_.end(), *to) == recipients_.end()) continue;
    rows_.push_back({std::move(*to), std::move(share), {}, {}, {}, true});
  }
  return {};
}

Result<void> Share::revoke() {
  const bool all = std::find(set_.revoke.begin(), set_.revoke.end(), "all") != set_.revoke.end();
  if (auto listed = list(); !listed) return listed;
  std::erase_if(rows_, [&](const Row& row) {
    return row.share.state == wire::ShareState::revoked ||
           (!all && std::find(revoked_.begin(), revoked_.end(), row.to) == revoked_.end());
  });
  for (const auto& to : revoked_)
    if (std::none_of(rows_.begin(), rows_.end(), [&](const Row& row) { return row.to == to; }))
      return fail(Kind::not_found, wire::to_text(to) + " has no link to this space");
  if (all) {
    if (auto done = client_->revoke_all(); !done) return done;
  } else {
    for (const Row& row : rows_)
      if (auto done = client_->revoke(row.share.share); !done) return done;
  }
  auto shares = client_->list();
  if (!shares) return tl::unexpected(shares.error());
  return refresh(std::move(*shares));
}

// --dry-run: who has a link already, and who would tell the others.
Result<void> Share::preview() {
  if (auto looked = look(); !looked) return looked;
  auto shares = client_->list();
  if (!shares) return tl::unexpected(shares.error());
  const notify::Courier here("", local_);
  const bool ask_server = set_.via == "server" || (set_.via.empty() && (!with_key_ || set_.with_key));
  for (const auto& recipient : recipients_) {
    const std::string to = wire::to_text(recipient);
    const wire::ShareInfo* known = nullptr;
    for (const auto& share : shares->shares)
      if (share.to == to && share.state != wire::ShareState::revoked) known = &share;
    const std::string state = known ? std::string(wire::to_text(known->state)) : "new";
    const std::string link = known ? link_of(*known) : "-";
    const std::string via = recipient.channel == wire::Channel::link ? ""
                            : ask_server                             ? "server"
                            : here.has(recipient.channel)            ? "local"
                                                                     : "";
    if (facts_.json()) {
      if (auto told =
              facts_.event(Event("share").text("to", to).text("state", state).text("link", link).text("via", via));
          !told)
        return told;
    } else if (auto told = facts_.line(to + "\t" + state + "\t" + link); !told) {
      return told;
    }
  }
  messages_.notice("dry run: no link was made, nobody was told");
  return {};
}

Result<void> Share::watch() {
  if (rows_.empty())
    if (auto listed = list(); !listed) return listed;
  if (rows_.empty()) return fail(Kind::not_found, "nobody has a link to this space");
  LiveTable table(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && term::moves_cursor() && !set_.common.quiet &&
                                     !set_.common.no_progress && !set_.common.json);
  if (auto said = say_all(); !said) return said;
  std::optional<Steady> deadline;
  if (set_.timeout) deadline = std::chrono::steady_clock::now() + *set_.timeout;
  const bool lines = !table.shown() || !term::is_terminal(STDOUT_FILENO);
  for (;;) {
    if (table.shown()) {
      std::vector<ShareLine> shown;
      for (const Row& row : rows_)
        shown.push_back({wire::to_text(row.to), std::string(wire::to_text(row.share.state)),
                         row.share.downloads > 1 ? std::to_string(row.share.downloads) + " times" : row.share.reason});
      table.draw(shown);
    }
    if (lines)
      if (auto said = say_all(); !said) return said;
    const bool all = std::all_of(rows_.begin(), rows_.end(), [](const Row& row) {
      return row.share.state == wire::ShareState::downloaded || row.share.state == wire::ShareState::revoked;
    });
    if (all) return {};
    Seconds wait = longest_poll;
    if (deadline) wait = std::min(wait, std::chrono::ceil<Seconds>(*deadline - std::chrono::steady_clock::now()));
    if (wait <= Seconds{0}) return fail(Kind::timed_out, "not everyone has downloaded in time");
    auto shares = client_->list(seq_, wait);
    if (!shares) return tl::unexpected(shares.error());
    if (auto done = refresh(std::move(*shares)); !done) return done;
  }
}

Result<void> Share::act() {
  if (set_.dry_run) return preview();
  if (set_.list || !set_.revoke.empty()) {
    if (auto done = set_.list ? list() : revoke(); !done) return done;
    for (Row& row : rows_) {
      row.untold.clear();
      if (auto said = say(row); !said) return said;
    }
    return {};
  }
  return recipients_.empty() ? look() : share();
}

int Share::run() {
  if (const int wrong = check_usage()) return wrong;
  running = interrupt_.get();
  take_over_signals(stop_sharing);
  Result<void> done;
  if (set_.space == "-") {
    auto first = next_line();
    if (!first) return end(first.error());
    const std::string line = *first ? std::string(trim(**first)) : "";
    if (line.empty()) return end({Kind::usage, "there is neither an owner link nor an event on standard input", {}});
    if (line.starts_with('{')) {
      done = follow_events(line);
    } else {
      const auto owner = parse_owner_link(line);
      if (!owner) return options_.usage_error(owner.error());
      use(*owner);
      done = act();
    }
  } else {
    done = find_space();
    if (done) done = act();
  }
  if (done && set_.watch) done = watch();
  if (!done) return end(done.error());
  if (auto said = say_done(); !said) return end(said.error());
  if (ended_by() != 0) return end({});
  const bool asked_only = set_.list || set_.dry_run || !set_.revoke.empty();
  const bool all_downloaded = set_.watch;
  return !asked_only && !all_downloaded && std::any_of(rows_.begin(), rows_.end(), is_trouble) ? exit_partly
                                                                                               : exit_done;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  return Share(settings, options).run();
}
