// qrx-serve: serves spaces; sweep and check look after its data, beside a running server or without one.
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <system_error>
#include <thread>

#include "base/text.h"
#include "base/unique_fd.h"
#include "base/units.h"
#include "base/write_all.h"
#include "cli/addresses.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/notify_settings.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/user_messages.h"
#include "serve/operations/daemon.h"
#include "serve/operations/operate.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

struct Settings {
  Common common;
  std::vector<std::string> binds;
  std::string socket_mode, socket_group;
  std::string data;
  std::optional<Origin> public_url;
  std::vector<std::string> trusted_proxies;
  std::string tls_cert, tls_key;
  std::optional<Seconds> expire, max_expire;
  std::optional<std::uint64_t> max_size, max_files, max_total, max_spaces;
  std::string create = "open";
  std::string token_file;
  std::optional<std::uint64_t> create_rate, max_per_address;
  std::string durability = "commit";
  std::string catalog, blobs;
  std::string metrics_bind;
  std::string log = "text";
  std::string notify;
  bool sweep = false, check = false, list = false, block = false, remove = false;
  std::vector<std::string> guids;
};

Options describe(Settings& to) {
  Options options({"qrx-serve",
                   "Serve spaces that people send files into and receive them from.",
                   {"[OPTION]...", "sweep [OPTION]...", "check [OPTION]...", "list [OPTION]...",
                    "block [OPTION]... GUID...", "delete [OPTION]... GUID..."},
                   {{"qrx-serve", "serve this machine, on 127.0.0.1:8460"},
                    {"qrx-serve -b 0.0.0.0:8460", "serve the local network"},
                    {"qrx-serve --public-url https://qrx.example.org", "behind a proxy that does TLS"},
                    {"qrx-serve sweep", "in cron: delete what has expired"}},
                   "; catalogs: SQLite; blobs: files"});
  options.command("sweep", "delete what has expired; quiet unless something is wrong", to.sweep);
  options.command("check", "compare catalog and blobs, verify every stored checksum", to.check);
  options.command("list", "print the spaces there are: guid, state, files, bytes, expiry, label", to.list);
  options.command("block", "let nobody into these spaces any more, their owners neither", to.block);
  options.command("delete", "delete these spaces with all that they hold", to.remove);
  options.arguments("GUID", to.guids, Completes::nothing);

  options.group("Where it listens and what it keeps");
  options.texts("bind", 'b', "HOST:PORT|unix:PATH", "listen here (default 127.0.0.1:8460); port 0 picks a free one",
                to.binds);
  options.text("socket-mode", 0, "MODE",
               "who may connect to unix:PATH, in octal (default 666; with --socket-group 660)", to.socket_mode);
  options.text("socket-group", 0, "GROUP", "the group of unix:PATH: a name or a number", to.socket_group);
  options.text("data", 'D', "DIR", "keep everything here (default: the state directory; for root /var/lib/qrx)",
               to.data, Completes::directories);
  options.text("catalog", 0, "URL", "where the catalog is: sqlite:PATH", to.catalog);
  options.text("blobs", 0, "URL", "where the content is: dir:PATH", to.blobs);
  options.choice("durability", 0, {"commit", "relaxed"}, "whether acknowledged data survives power loss",
                 to.durability);

  options.group("What others see of it");
  options.url("public-url", 0, "what links say, when a proxy stands before it", to.public_url);
  options.texts("trusted-proxy", 0, "CIDR", "believe what proxies at these addresses say about the client's",
                to.trusted_proxies);
  options.text("tls-cert", 0, "FILE", "certificate chain, PEM; read again on SIGHUP", to.tls_cert, Completes::files);
  options.text("tls-key", 0, "FILE", "its private key, PEM", to.tls_key, Completes::files);
  options.text("metrics-bind", 0, "HOST:PORT", "serve Prometheus metrics on this address", to.metrics_bind);

  options.group("Limits");
  options.duration("expire", 0, "how long a space lives, unless asked otherwise (default 1d)", to.expire);
  options.duration("max-expire", 0, "how long it may live at most (default 7d)", to.max_expire);
  options.size("max-size", 0, "what one space may hold (default: no limit)", to.max_size);
  options.number("max-files", 0, "how many files one space may hold (default 100000)", to.max_files);
  options.size("max-total", 0, "what all spaces together may hold (default: what the disk has)", to.max_total);
  options.number("max-spaces", 0, "how many spaces there may be (default 100000)", to.max_spaces);
  options.choice("create", 0, {"open", "token"}, "who may open spaces: anyone, or token holders", to.create);
  options.text("token-file", 0, "FILE", "the tokens that open spaces, one a line; mode 0600", to.token_file,
               Completes::files);
  options.number("create-rate", 0, "spaces a minute that one address may open (default 60, 0: no limit)",
                 to.create_rate);
  options.number(
      "max-per-address", 0,
      "connections of one address (default: a quarter of what descriptors allow; of this machine's own three)",
      to.max_per_address, 1);

  options.group("Other");
  options.choice("log", 0, {"text", "json"}, "the form of the log on stderr", to.log);
  options.text("notify", 0, "ADDRESS",
               "with check: send a test notice there by the configured transports, and check nothing else", to.notify);
  options.own_config("/etc/qrx/serve.toml");
  options.common(to.common, false);
  return options;
}

// "sqlite:PATH" to PATH, and the like; another scheme is honest about not being there yet.
Result<std::string> path_after(const std::string& url, const std::string& scheme, const char* option) {
  if (url.empty()) return std::string();
  if (url.rfind(scheme + ":", 0) == 0 && url.size() > scheme.size() + 1) return url.substr(scheme.size() + 1);
  return fail(Kind::usage, std::string("--") + option + ": '" + url + "' is not supported in this version",
              "use " + scheme + ":PATH");
}

Result<serve::DataOptions> data_options(const Settings& settings) {
  serve::DataOptions out;
  out.directory = settings.data;
  if (out.directory.empty() && ::geteuid() == 0) out.directory = "/var/lib/qrx";
  if (out.directory.empty()) {
    auto state = state_dir();
    if (!state) return tl::unexpected(state.error());
    out.directory = *state + "/serve";
  }
  auto catalog = path_after(settings.catalog, "sqlite", "catalog");
  if (!catalog) return tl::unexpected(catalog.error());
  auto blobs = path_after(settings.blobs, "dir", "blobs");
  if (!blobs) return tl::unexpected(blobs.error());
  out.catalog = std::move(*catalog);
  out.blobs = std::move(*blobs);

  space::Policy& policy = out.policy;
  if (settings.max_expire) policy.max_expire = *settings.max_expire;
  policy.expire = settings.expire.value_or(std::min(policy.expire, policy.max_expire));
  if (policy.expire > policy.max_expire) {
    if (settings.max_expire) return fail(Kind::usage, "--expire is longer than --max-expire");
    policy.max_expire = policy.expire;
  }
  policy.max_size = settings.max_size.value_or(policy.max_size);
  policy.max_files = settings.max_files.value_or(policy.max_files);
  policy.max_total = settings.max_total.value_or(policy.max_total);
  policy.max_spaces = settings.max_spaces.value_or(policy.max_spaces);
  policy.lock_wait = Millis(0);  // the routes wait, without a thread
  policy.relaxed = settings.durability == "relaxed";
  return out;
}

Result<unsigned> socket_mode(const Settings& settings) {
  const std::string& text = settings.socket_mode;
  if (text.empty()) return settings.socket_group.empty() ? 0666 : 0660;
  if (text.size() > 4 || text.find_first_not_of("01234567") != std::string::npos || std::stoul(text, nullptr, 8) > 0777)
    return fail(Kind::usage, "--socket-mode: '" + text + "' is not a mode in octal", "such as 660");
  return static_cast<unsigned>(std::stoul(text, nullptr, 8));
}

Result<std::optional<unsigned>> socket_group(const std::string& text) {
  if (text.empty()) return std::nullopt;
  if (text.size() < 10 && text.find_first_not_of("0123456789") == std::string::npos)
    return static_cast<unsigned>(std::stoul(text));
  const group* const found = ::getgrnam(text.c_str());
  if (found == nullptr) return fail(Kind::usage, "--socket-group: there is no group '" + text + "'");
  return found->gr_gid;
}

Result<serve::DaemonOptions> daemon_options(const Settings& settings, const Config& config) {
  auto data = data_options(settings);
  if (!data) return tl::unexpected(data.error());
  serve::DaemonOptions out;
  out.data = std::move(*data);
  if (!settings.binds.empty()) out.binds = settings.binds;
  const auto mode = socket_mode(settings);
  if (!mode) return tl::unexpected(mode.error());
  out.socket_mode = *mode;
  auto group = socket_group(settings.socket_group);
  if (!group) return tl::unexpected(group.error());
  out.socket_group = *group;
  out.most_of_one = settings.max_per_address.value_or(0);
  out.public_url = settings.public_url;
  out.reachable_host = machine_addresses().front().text;
  out.trusted_proxies = settings.trusted_proxies;
  if (settings.tls_cert.empty() != settings.tls_key.empty())
    return fail(Kind::usage, "--tls-cert and --tls-key go together");
  out.tls_cert = settings.tls_cert;
  out.tls_key = settings.tls_key;
  out.create_needs_token = settings.create == "token";
  if (out.create_needs_token && settings.token_file.empty())
    return fail(Kind::usage, "--create token needs a --token-file");
  out.token_file = settings.token_file;
  out.create_rate = settings.create_rate.value_or(out.create_rate);
  out.metrics_bind = settings.metrics_bind;
  auto notices = notify_settings(config);
  if (!notices) return tl::unexpected(notices.error());
  out.notices = std::move(*notices);
  if (!out.notices.transports.empty() || !out.notices.commands.empty()) {
    auto helper = find_program("qrx-notify");
    if (!helper) return tl::unexpected(helper.error());
    out.notify_helper = std::move(*helper);
  }
  return out;
}

int report(Messages& messages, const Error& error) {
  messages.error(error);
  return exit_code(error.kind);
}

std::string summary(const space::Spaces::Swept& swept) {
  return "deleted " + std::to_string(swept.spaces) + (swept.spaces == 1 ? " space and " : " spaces and ") +
         std::to_string(swept.uploads) + (swept.uploads == 1 ? " upload, " : " uploads, ") + format_size(swept.bytes);
}

// Silent when all is well: cron mails what is said.
int sweep(const Settings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report(messages, data.error());
  const auto swept = serve::sweep_data(*data);
  if (!swept) return report(messages, swept.error());
  if (settings.common.json) {
    Facts facts(true);
    const auto told = facts.event(
        Event("swept").number("spaces", swept->spaces).number("uploads", swept->uploads).number("bytes", swept->bytes));
    if (!told) return report(messages, told.error());
  }
  for (const std::string& failure : swept->failures) messages.warn("not deleted: " + escape_untrusted(failure));
  messages.detail(summary(*swept));
  return swept->failures.empty() ? exit_done : exit_code(Kind::unavailable);
}

// check --notify: one notice, by the transports as the server would use them.
int check_notify(const Settings& settings, const Config& config, Messages& messages) {
  const auto to = wire::parse_recipient(settings.notify);
  if (!to) return report(messages, to.error());
  auto notices = notify_settings(config);
  if (!notices) return report(messages, notices.error());
  auto helper = find_program("qrx-notify");
  if (!helper) return report(messages, helper.error());
  notify::Courier courier(std::move(*helper), std::move(*notices));
  if (!courier.has(to->channel)) {
    const std::string name(wire::to_text(to->channel));
    return report(messages, Error{Kind::other, "there is no transport for " + settings.notify,
                                  "configure [notify." + name + "]: qrx-serve.toml(5)"});
  }
  notify::Notice notice;
  notice.id = Id::random();
  notice.to = *to;
  notice.from = "qrx-serve check";
  notice.message = "This is a test: there is nothing to download.";
  notice.link = settings.public_url ? settings.public_url->url() + "/" : "https://qrx.invalid/";
  notice.summary = "Test: nothing";
  const notify::Outcome outcome = courier.send(notice);
  Facts facts(settings.common.json);
  const std::string state = outcome.state == notify::Outcome::State::sent      ? "sent"
                            : outcome.state == notify::Outcome::State::later   ? "later"
                            : outcome.state == notify::Outcome::State::unknown ? "unknown"
                                                                               : "failed";
  (void)facts.event(Event("notice").text("to", wire::to_text(*to)).text("state", state).text("reason", outcome.reason));
  (void)facts.line(wire::to_text(*to) + "\t" + state);
  if (outcome.state == notify::Outcome::State::sent) return exit_done;
  const bool later = outcome.state == notify::Outcome::State::later;
  return report(messages,
                Error{later ? Kind::unavailable : Kind::other, "the test notice was not sent: " + outcome.reason, {}});
}

int check(const Settings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report(messages, data.error());
  Facts facts(settings.common.json);
  const auto checked = serve::check_data(*data, [&facts](const std::string& finding) {
    (void)facts.event(Event("finding").text("text", finding));
    (void)facts.line(escape_untrusted(finding));
  });
  if (!checked) return report(messages, checked.error());
  (void)facts.event(Event("checked")
                        .number("files", checked->files)
                        .number("bytes", checked->bytes)
                        .number("missing", checked->missing)
                        .number("corrupt", checked->corrupt)
                        .number("orphans", checked->orphans));
  messages.say(std::to_string(checked->files) + " files, " + format_size(checked->bytes) + ": " +
               std::to_string(checked->missing) + " missing, " + std::to_string(checked->corrupt) + " corrupt, " +
               std::to_string(checked->orphans) + " orphans");
  return checked->missing + checked->corrupt > 0 ? exit_code(Kind::integrity) : exit_done;
}

std::string_view state_of(space::Phase phase) {
  return phase == space::Phase::open ? "open" : phase == space::Phase::closed ? "closed" : "blocked";
}

int list(const Settings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report(messages, data.error());
  Facts facts(settings.common.json);
  const auto listed = serve::list_spaces(*data, [&facts](const space::SpaceSummary& space) {
    const std::string state(state_of(space.phase));
    (void)facts.event(Event("space")
                          .text("guid", space.guid.text())
                          .text("state", state)
                          .number("files", space.files)
                          .number("bytes", space.bytes)
                          .number("uploads", space.uploads)
                          .text("created", to_rfc3339(space.created))
                          .text("expires", to_rfc3339(space.expires))
                          .text("label", space.label));
    (void)facts.line(space.guid.text() + "\t" + state + "\t" + std::to_string(space.files) + "\t" +
                     std::to_string(space.bytes) + "\t" + to_rfc3339(space.expires) + "\t" +
                     escape_untrusted(space.label));
  });
  return listed ? exit_done : report(messages, listed.error());
}

// block and delete: each that is named, whatever became of the others.
int change_spaces(const Settings& settings, Messages& messages) {
  const auto data = data_options(settings);
  if (!data) return report(messages, data.error());
  std::size_t failed = 0;
  int code = exit_done;
  for (const std::string& text : settings.guids) {
    const auto guid = Guid::parse(text);
    const auto done = !guid ? fail(Kind::usage, "'" + escape_untrusted(text) + "' is not the GUID of a space")
                      : settings.block ? serve::block_space(*data, *guid)
                                       : serve::delete_space(*data, *guid);
    if (done) continue;
    ++failed;
    code = report(messages, done.error());
  }
  return failed > 0 && failed < settings.guids.size() ? exit_partly : code;
}

// The end is promised within ten seconds, whatever a disk or a request still does: what was acknowledged is kept by
// then.
constexpr timeval longest_end{9, 600'000};
std::atomic<bool> ending{false};

void end_now(int) {
  if (!ending) return;  // an alarm from outside
  constexpr std::string_view line = "qrx-serve: stopped without waiting for what was still running\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
  ::_exit(exit_done);
}

// The signals that mean something are blocked everywhere and read from a descriptor. Of the others, those that would
// end a process which knows nothing of them do nothing here; their handlers go with an exec, where being ignored would
// stay.
UniqueFd take_signals() {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&ours, number);
  ::pthread_sigmask(SIG_BLOCK, &ours, nullptr);
  struct sigaction action {};
  action.sa_flags = SA_RESTART;
  action.sa_handler = [](int) {};
  for (const int number : {SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGIO, SIGPWR, SIGSTKFLT})
    ::sigaction(number, &action, nullptr);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) ::sigaction(number, &action, nullptr);
  action.sa_handler = end_now;
  ::sigaction(SIGALRM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on the size of files is an error of write(2), not our end
  return UniqueFd(::signalfd(-1, &ours, SFD_CLOEXEC));
}

// Until the serving thread has ended, which it says by `ended`.
void obey_signals(serve::Daemon& daemon, const UniqueFd& signals, const UniqueFd& ended) {
  pollfd ready[2] = {{signals.get(), POLLIN, 0}, {ended.get(), POLLIN, 0}};
  for (;;) {
    if (::poll(ready, 2, -1) < 0) continue;
    if (ready[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (::read(signals.get(), &signal, sizeof signal) != sizeof signal) continue;
    if (signal.ssi_signo == SIGHUP) {
      daemon.reload();
      continue;
    }
    if (!ending.exchange(true)) {
      const itimerval once{{0, 0}, longest_end};
      ::setitimer(ITIMER_REAL, &once, nullptr);
    }
    daemon.stop();
  }
}

int serve_until_stopped(const Settings& settings, const Config& config, Messages& messages) {
  const auto options = daemon_options(settings, config);
  if (!options) return report(messages, options.error());
  const UniqueFd signals = take_signals();
  const UniqueFd ended(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !ended) return report(messages, fail_errno("cannot make an event descriptor").value());

  const int verbosity = settings.common.quiet ? -1 : settings.common.verbose;
  const serve::Log log(settings.log == "json" ? serve::LogForm::json : serve::LogForm::text, verbosity,
                       [](const std::string& line) { (void)write_all(STDERR_FILENO, line); });
  const auto daemon = serve::Daemon::open(*options, log);
  if (!daemon) return report(messages, daemon.error());

  Result<void> result;
  std::thread serving;
  try {
    serving = std::thread([&] {
      result = (*daemon)->run();
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(ended.get(), &one, sizeof one);
    });
  } catch (const std::system_error& error) {
    return report(messages, Error{Kind::unavailable, std::string("cannot start a thread: ") + error.what(), {}});
  }
  Facts facts(settings.common.json);
  const std::string base = (*daemon)->base().url();
  (void)facts.event(Event("ready").text("url", base));
  (void)facts.line(base);
  obey_signals(**daemon, signals, ended);
  serving.join();
  return result ? exit_done : report(messages, result.error());
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  Messages messages("qrx-serve");
  messages.set_quiet(settings.common.quiet);
  messages.set_verbosity(settings.common.verbose);
  if (settings.sweep + settings.check + settings.list + settings.block + settings.remove > 1)
    return options.usage_error("these are several commands: give one");
  const bool names_spaces = settings.block || settings.remove;
  if (names_spaces && settings.guids.empty())
    return options.usage_error("name the spaces by their GUID: see qrx-serve list");
  if (!names_spaces && !settings.guids.empty())
    return options.usage_error("'" + escape_untrusted(settings.guids.front()) + "' is not a command");
  if (settings.list) return list(settings, messages);
  if (names_spaces) return change_spaces(settings, messages);
  if (settings.sweep) return sweep(settings, messages);
  if (!settings.notify.empty() && !settings.check) return options.usage_error("--notify goes with check");
  if (settings.check && !settings.notify.empty()) return check_notify(settings, options.config(), messages);
  if (settings.check) return check(settings, messages);
  try {
    return serve_until_stopped(settings, options.config(), messages);
  } catch (const std::exception& error) {  // short memory, mostly
    return report(messages, Error{Kind::unavailable, std::string("cannot go on: ") + error.what(), {}});
  }
}
