// qrx-recv: opens a space, shows its QR code, waits, saves what arrives; or downloads what a link holds.
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <optional>

#include "base/text.h"
#include "cli/asking.h"
#include "cli/client_options.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/invitation.h"
#include "cli/link_words.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/recv/given_link.h"
#include "cli/recv/receive_output.h"
#include "cli/recv/receive_report.h"
#include "cli/signals.h"
#include "cli/space/attended_work.h"
#include "cli/space/identities.h"
#include "cli/space/left_spaces.h"
#include "cli/space/opened_space.h"
#include "cli/user_messages.h"
#include "qr/symbol.h"
#include "receive/receiver.h"
#include "term/progress.h"
#include "term/terminal.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

struct Settings {
  Common common;
  std::vector<std::string> links;
  std::string output = ".";
  std::string on_conflict = "rename";
  std::optional<std::uint64_t> count;
  bool follow = false;
  std::optional<Seconds> timeout;
  std::optional<Seconds> interval;
  SpaceToOpen space;  // but for the server and --seal
  std::string seal = "offer";
  std::string identity;
  std::optional<bool> qr;
  bool invert = false;
  std::string qr_file;
  std::string preview = "auto";
  bool ask = false;
  bool sha256 = false;
  std::string exec;
  bool clipboard = false;
  bool print0 = false;
  std::string resume;
};

Options describe(Settings& to) {
  Options options({"qrx-recv",
                   "Show a QR code, wait for someone to send, and save what arrives.",
                   {"[OPTION]...", "[OPTION]... LINK|-"},
                   {{"qrx-recv", "receive one delivery into this directory"},
                    {"qrx-recv -f -o ~/Inbox", "keep receiving until Ctrl-C"},
                    {"qrx-recv -o - | tar x", "hand what arrives to another program"},
                    {"qrx-recv -s https://qrx.example.org", "receive through a server, from anywhere"},
                    {"qrx-recv -q --qr-file code.png -t 10m", "in a script: the code as a picture"}}});
  options.group("Saving");
  options.text("output", 'o', "PATH", "a directory, a file name, or - for stdout (default: this directory)", to.output,
               Completes::files);
  options.choice("on-conflict", 0, {"rename", "refuse", "overwrite"}, "when a file is there already (default: rename)",
                 to.on_conflict);
  options.choice("preview", 0, {"auto", "never", "always"}, "show pictures and the beginning of texts in the terminal",
                 to.preview);
  options.flag("clipboard", 0, "put a text that arrives on the clipboard, too", to.clipboard);
  options.flag("ask", 0, "ask before saving each file", to.ask);
  options.text("exec", 0, "CMD", "run CMD with sh after each delivery; $QRX_PATHS holds the paths", to.exec);
  options.text("resume", 0, "GUID", "only save what this earlier run could not; all: of every run", to.resume,
               Completes::nothing);
  options.flag("print0", '0', "separate the printed paths by NUL", to.print0);
  options.flag("sha256", 0, "also compute and report SHA-256", to.sha256);
  options.group("Waiting");
  options.number("count", 'n', "end after N deliveries (default: 1)", to.count, 1);
  options.flag("follow", 'f', "keep receiving until Ctrl-C or the space expires", to.follow);
  options.duration("timeout", 't', "give up if nothing arrives within DUR", to.timeout);
  options.duration("interval", 'i', "ask the server at this interval, instead of waiting on it", to.interval);
  options.group("The space");
  options.duration("expire", 'e', "how long the link is good", to.space.wish.expire);
  options.size("max-size", 0, "accept at most SIZE in total", to.space.wish.max_size);
  options.number("max-files", 0, "accept at most N files in total", to.space.wish.max_files);
  options.text("label", 0, "TEXT", "a name that the sender is shown", to.space.wish.label);
  options.choice("seal", 0, {"offer", "require", "off"},
                 "end-to-end encryption: for senders who can (default), for all, or for none", to.seal);
  options.text("identity", 0, "FILE", "the secret key of the space at LINK, when another machine opened it",
               to.identity, Completes::files);
  options.flag("keep", 0, "leave the space on the server until it expires", to.space.keep);
  options.group("The QR code");
  options.toggle("qr", "draw the code, or do not (default: on a terminal)", to.qr);
  options.flag("invert", 0, "swap dark and light", to.invert);
  options.text("qr-file", 0, "FILE", "also save the code as .png or .svg", to.qr_file, Completes::files);
  options.group("The server");
  options.text("bind", 'b', "HOST:PORT", "address for the built-in server (default: port 8461, or a free one)",
               to.space.bind);
  options.url("public-url", 0, "the address of the built-in server as others see it", to.space.public_url);
  options.text("token-file", 0, "FILE", "the token of a server that opens spaces only with one", to.space.token_file,
               Completes::files);
  options.rename_variable("bind", "QRX_RECV_BIND");
  options.rename_variable("public-url", "QRX_RECV_PUBLIC_URL");
  options.common(to.common, true);
  options.arguments("LINK", to.links, Completes::nothing);
  return options;
}

// The built-in server answers for so long after the last delivery: pages and tools that still come are told that the
// receiver has finished.
constexpr Millis linger_time{2'000};

// What runs now, for the signal handler.
std::atomic<receive::Receiver*> running{nullptr};

void stop_receiving() {
  if (auto* receiver = running.load()) receiver->interrupt();
}

class Recv {
 public:
  Recv(Settings settings, const Options& options)
      : set_(std::move(settings)),
        options_(options),
        messages_("qrx-recv"),
        facts_(set_.common.json),
        // Not where events stand: one terminal shows either.
        progress_(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress &&
                                     !(set_.common.json && term::is_terminal(STDOUT_FILENO))) {
    messages_.set_quiet(set_.common.quiet);
    messages_.set_verbosity(set_.common.verbose);
    messages_.before_each([this] { progress_.clear(); });
  }

  int run();

 private:
  int check_usage();
  Result<void> take_link(const std::string& argument);
  Result<void> open_space();
  api::SpaceAddress address() const;
  ReceiveReportOptions how_to_report(bool to_stream);
  receive::ReceiverOptions how_to_receive(const Origin& origin) const;
  Result<void> invite(ReceiveReport& report);
  Result<receive::Received> receive(ReceiveReport& report, ReceiveOutput& output);
  receive::Finished save_left(const OwnerLink& link, const SharedIdentity& identity, ReceiveOutput& output);
  std::optional<int> visit_left(ReceiveOutput& output);
  int finish(const Result<receive::Received>& received, ReceiveReport& report);
  void leave_space();
  int end(const Error& error);

  Settings set_;
  const Options& options_;
  Messages messages_;
  Facts facts_;
  term::ProgressLine progress_;
  std::optional<GivenLink> given_;     // where from: what was named,
  std::optional<OpenedSpace> opened_;  // or what this run opened
  SharedIdentity identity_;            // null: nothing is opened
  std::optional<Asking> asking_;
  ReceiveOutput* output_ = nullptr;  // of the space that this run opened
  receive::Finished finished_;       // deliveries
  int code_of_left_ = exit_done;     // what became of what earlier runs left
  bool reader_gone_ = false;         // of -o -
};

// --- before anything happens

// 0 when all is well.
int Recv::check_usage() {
  const auto usage = [this](std::string what, std::string hint = {}) {
    return options_.usage_error(Error{Kind::usage, std::move(what), std::move(hint)});
  };
  if (set_.follow && options_.on_command_line("count")) {
    if (options_.on_command_line("follow")) return usage("--count and --follow exclude each other");
    set_.follow = false;  // that of the environment or configuration
  }
  if (set_.output.empty()) return usage("--output: an empty path");
  if (set_.output == "-" && term::is_terminal(STDOUT_FILENO))
    return usage("-o - would write what strangers send to the terminal",
                 "pipe it into a program, or name a file with -o");
  if (set_.output == "-" && set_.common.json) return usage("-o - and --json both need stdout");
  if (set_.interval && set_.interval->count() == 0) return usage("--interval: must be at least 1s");
  if (!set_.qr_file.empty())
    if (auto known = check_qr_file_name(set_.qr_file); !known) return options_.usage_error(known.error());
  if (set_.links.size() > 1) return usage("more than one LINK");
  if (!set_.links.empty()) {
    for (const auto* name : {"expire", "max-size", "max-files", "label", "keep", "qr", "qr-file", "invert", "bind",
                             "public-url", "resume"})
      if (options_.on_command_line(name))
        return usage("--" + std::string(name) + " goes with opening a space, not with a LINK");
  } else if (set_.common.server) {
    for (const auto* name : {"bind", "public-url"})
      if (options_.on_command_line(name))
        return usage("--" + std::string(name) + " is for the built-in server, and --server names another");
  }
  return 0;
}

// A space that an earlier run opened, or another machine, with its secret key; or what was shared with us.
Result<void> Recv::take_link(const std::string& argument) {
  auto link = read_given_link(argument);
  if (!link) return tl::unexpected(link.error());
  const bool shared = link->address.shared;
  for (const auto* name : {"follow", "count", "timeout", "interval"})
    if (shared && options_.on_command_line(name))
      return fail(Kind::usage, "--" + std::string(name) + " goes with a link of one's own, not with a shared one");
  given_ = std::move(*link);
  if (set_.seal == "off") return {};
  auto identity = set_.identity.empty() ? identity_of(*given_)
                                        : given_identity(set_.identity, !options_.on_command_line("identity"));
  if (!identity) return tl::unexpected(identity.error());
  identity_ = std::move(*identity);
  if (identity_ || set_.seal != "require") return {};
  const std::string where = shared ? "in the link" : "of this space on this machine";
  return fail(Kind::usage, "--seal require: there is no secret key " + where, "name it with --identity");
}

Result<void> Recv::open_space() {
  SpaceToOpen plan = set_.space;
  plan.server = set_.common.server;
  plan.wish.seal = wire::seal_from_text(set_.seal).value_or(wire::Seal::offer);
  auto opened = OpenedSpace::open(plan, messages_);
  if (!opened) return tl::unexpected(opened.error());
  opened_.emplace(std::move(*opened));
  identity_ = opened_->identity();
  return {};
}

api::SpaceAddress Recv::address() const {
  return opened_ ? api::SpaceAddress(opened_->link()) : given_->address;
}

// --- receiving

ReceiveReportOptions Recv::how_to_report(bool to_stream) {
  ReceiveReportOptions how;
  if (!set_.common.quiet) how.preview = preview_when(set_.preview).value_or(PreviewWhen::never);
  how.asking = asking_ ? &*asking_ : nullptr;
  if (to_stream) how.stream = set_.output;
  if (set_.print0) how.path_end = '\0';
  how.download = !opened_;
  how.waits_on = set_.follow || set_.count.value_or(1) > 1;
  how.count = set_.follow ? 0 : set_.count.value_or(1);
  if (opened_ && opened_->own_server())
    how.when_nobody_comes = "Nothing yet. Same Wi-Fi? Firewall on TCP " +
                            std::to_string(opened_->own_server()->shown().port) + "? Try --bind, -s (Ctrl-C to stop)";
  how.hook = set_.exec;
  how.clipboard = set_.clipboard;
  return how;
}

receive::ReceiverOptions Recv::how_to_receive(const Origin& origin) const {
  receive::ReceiverOptions how;
  how.client = client_for(origin);
  how.count = set_.follow ? 0 : set_.count.value_or(1);
  how.present_only = !opened_ && !set_.follow && !set_.count && !set_.timeout;
  if (set_.timeout) how.timeout = std::chrono::duration_cast<Millis>(*set_.timeout);
  if (set_.interval) how.interval = std::chrono::duration_cast<Millis>(*set_.interval);
  how.sha256 = set_.sha256;
  how.keep = set_.space.keep || !opened_;
  how.remember = opened_.has_value();
  if (opened_ && opened_->own_server()) how.linger = linger_time;
  how.identity = identity_;
  how.only_sealed = set_.seal == "require";
  how.refuse_sealed = given_ && given_->address.shared && !identity_ && set_.seal != "off";
  how.state_dir = receiving_dir();
  return how;
}

Result<void> Recv::invite(ReceiveReport& report) {
  std::optional<LinkWords> words;
  if (set_.common.json || set_.common.verbose > 0 || (term::is_terminal(STDERR_FILENO) && !messages_.quiet()))
    words.emplace(opened_->drop());
  const std::string drop = opened_->drop().text();
  const auto symbol = make_symbol(drop);
  if (!symbol) return tl::unexpected(symbol.error());
  if (!set_.qr_file.empty())
    if (auto written = write_qr_file(set_.qr_file, *symbol, set_.invert); !written) return written;

  std::string shown_words;
  if (words) {
    const auto& found = words->get();
    if (!found) return tl::unexpected(found.error());
    shown_words = *found;
  }
  if (auto told = facts_.event(opened_->event(shown_words)); !told) return told;

  Invitation invitation;
  if (const auto* own = opened_->own_server())
    invitation.before = own->describe(set_.space.bind.empty() && !set_.space.public_url);
  invitation.drop = escape_untrusted(drop);
  if (set_.seal != "require") invitation.commands = {escape_untrusted(curl_command(opened_->drop()))};
  SpaceTerms terms = opened_->terms(shown_words);
  terms.count = set_.follow ? 0 : set_.count.value_or(1);
  invitation.after = lines_of(terms, system_clock().wall());
  if (set_.qr.value_or(term::is_terminal(STDERR_FILENO))) invitation.symbol = *symbol;
  invitation.invert = set_.invert;
  report.invite(std::move(invitation));
  return {};
}

Result<receive::Received> Recv::receive(ReceiveReport& report, ReceiveOutput& output) {
  receive::Receiver receiver(address(), how_to_receive(address().origin), report.events(stop_receiving));
  running = &receiver;
  if (ended_by() != 0) receiver.interrupt();  // the signal came before there was something to stop
  Result<receive::Received> received = fail(Kind::other, "nothing was received");
  const Attention attention{[&] { report.redraw(); }, opened_ ? opened_->own_server() : nullptr, stop_receiving,
                            [&] { report.look(); }};
  const auto server_died = run_attended([&] { received = output.fill(receiver); }, attention);
  running = nullptr;
  finished_ = receiver.finished();
  reader_gone_ = !received && output.closed();
  if (!server_died) return tl::unexpected(server_died.error());
  progress_.clear();
  if (*server_died && !received && ended_by() == 0)
    return fail(Kind::other, "the built-in server stopped unexpectedly");
  return received;
}

// --- afterwards

int Recv::finish(const Result<receive::Received>& received, ReceiveReport& report) {
  if (!received || report.output_failed()) {
    const int code = end(report.output_failed() ? *report.output_failed() : received.error());
    leave_space();
    return code;
  }
  const bool signalled = ended_by() != 0;  // after all was done, while senders were told so
  if (auto told = report.done(*received); !told) {
    leave_space();
    return end(told.error());
  }
  if (opened_) opened_->stay(messages_);
  if (received->left > 0) messages_.warn("more arrived after the stream ended; not written");
  leave_space();
  if (ended_by() != 0 && !signalled) return end({});
  if (received->first_refusal) return exit_code(received->first_refusal->kind);
  if (report.hook_failed() || received->left > 0) return exit_partly;
  return code_of_left_;
}

void Recv::leave_space() {
  // Of a built-in server everything is fetched again in no time; of a named one a later run goes on.
  if (opened_) {
    const bool own = opened_->own_server() != nullptr;
    if (opened_->end(finished_, messages_, facts_) || own) output_->discard_parts();
  } else if (given_ && !given_->address.shared) {
    forget_left_run(given_->address.name, finished_);
  }
}

// --- what earlier runs left

receive::Finished Recv::save_left(const OwnerLink& link, const SharedIdentity& identity, ReceiveOutput& output) {
  ReceiveReportOptions how = how_to_report(output.is_stream());
  how.space = link.guid.text();
  how.download = how.waits_on = false;
  ReceiveReport report(how, messages_, facts_, progress_);
  receive::ReceiverOptions options = how_to_receive(link.origin);
  options.identity = identity;
  options.present_only = options.take_up = options.remember = options.keep = true;
  receive::Receiver receiver(link, options, report.events(stop_receiving));
  running = &receiver;
  if (ended_by() != 0) receiver.interrupt();
  Result<receive::Received> received = fail(Kind::other, "nothing was received");
  const auto attended = run_attended([&] { received = output.fill(receiver); },
                                     Attention{[&] { report.redraw(); }, nullptr, nullptr, [&] { report.look(); }});
  running = nullptr;
  progress_.clear();
  const bool nothing = !received && received.error().kind == Kind::timed_out;  // it holds only what was saved before
  if (attended && !received && !nothing && ended_by() == 0) messages_.error(received.error());
  if (!received && !nothing) code_of_left_ = exit_code(received.error().kind);
  if (received && received->first_refusal) code_of_left_ = exit_code(received->first_refusal->kind);
  return receiver.finished();
}

// How the run ends here, if it does.
std::optional<int> Recv::visit_left(ReceiveOutput& output) {
  const LeftWanted wanted{place_of(set_.output, output.is_stream()), set_.ask, set_.resume};
  const auto save = [&](const OwnerLink& link, const SharedIdentity& identity) {
    return save_left(link, identity, output);
  };
  const std::size_t found = visit_left_runs(wanted, save, messages_, facts_);
  if (ended_by() != 0 || facts_.closed()) return end({});
  if (set_.resume.empty()) return std::nullopt;
  if (found == 0)
    return end({Kind::not_found, "nothing is left of " + (set_.resume == "all" ? "earlier runs" : set_.resume), {}});
  return code_of_left_;
}

int Recv::end(const Error& error) {
  progress_.clear();
  if (const int signal = ended_by()) {
    if (signal == SIGINT && term::is_terminal(STDERR_FILENO)) messages_.raw("\n");
    messages_.warn(set_.space.keep || !opened_ ? "stopped" : "stopped; the link no longer works");
    return exit_code_of_signal(signal);
  }
  if (facts_.closed() || reader_gone_) return exit_code_of_signal(SIGPIPE);
  messages_.error(error);
  const auto code = exit_code(error.kind);
  (void)facts_.event(Event("error").text("message", error.what).number("exit", static_cast<std::uint64_t>(code)));
  return code;
}

int Recv::run() {
  if (const int wrong = check_usage()) return wrong;
  if (!set_.links.empty())
    if (auto taken = take_link(set_.links.front()); !taken) return options_.usage_error(taken.error());
  ::unsetenv("QRX_IDENTITY");  // not for what is run from here
  if (set_.ask) {
    auto terminal = Asking::open("--ask");
    if (!terminal) return options_.usage_error(terminal.error());
    asking_.emplace(std::move(*terminal));
  }
  take_over_signals(stop_receiving);
  const bool several = set_.follow || set_.count.value_or(1) > 1;
  auto output = ReceiveOutput::open(set_.output, on_conflict_of(set_.on_conflict), several);
  if (!output) return end(output.error());
  if (set_.links.empty()) {
    if (const auto ended = visit_left(*output)) return *ended;
    code_of_left_ = exit_done;  // it was said
    output->remove_stale();
    set_.space.target = place_of(set_.output, output->is_stream());
    set_.space.ask = set_.ask;
    if (auto opened = open_space(); !opened) return end(opened.error());
    output_ = &*output;
    if (opened_->own_server()) output->set_passing();
  }
  ReceiveReportOptions how = how_to_report(output->is_stream());
  if (!address().shared) how.space = address().name.text();
  ReceiveReport report(how, messages_, facts_, progress_);
  if (opened_) {
    if (auto invited = invite(report); !invited) {
      leave_space();
      return end(invited.error());
    }
  }
  return finish(receive(report, *output), report);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  return Recv(settings, options).run();
}
