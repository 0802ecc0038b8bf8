// qrx-recv: opens a space, shows its QR code, waits, saves what arrives; or downloads what a link holds.
#include <unistd.h>

#include <atomic>
#include <cstdlib>

#include "base/text.h"
#include "cli/asking.h"
#include "cli/attended_work.h"
#include "cli/client_options.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/given_link.h"
#include "cli/identities.h"
#include "cli/invitation.h"
#include "cli/link_words.h"
#include "cli/opened_space.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/receive_output.h"
#include "cli/receive_report.h"
#include "cli/signals.h"
#include "cli/user_messages.h"
#include "qr/symbol.h"
#include "term/progress.h"
#include "term/terminal.h"
#include "transfer/receiver.h"

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
  bool print0 = false;
};

Options describe(Settings& to) {
  Options options({"qrx-recv",
                   "Show a QR code, wait for someone to send, and save what arrives.",
                   {"[OPTION]...", "[OPTION]... LINK|-"},
                   {{"qrx-recv", "receive one delivery into this directory"},
                    {"qrx-recv -f -o ~/Inbox", "keep receiving until ^C"},
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
  options.flag("ask", 0, "ask before saving each file", to.ask);
  options.text("exec", 0, "CMD", "run CMD with sh after each delivery; $QRX_PATHS holds the paths", to.exec);
  options.flag("print0", '0', "separate the printed paths by NUL", to.print0);
  options.flag("sha256", 0, "also compute and report SHA-256", to.sha256);
  options.group("Waiting");
  options.number("count", 'n', "end after N deliveries (default: 1)", to.count, 1);
  options.flag("follow", 'f', "keep receiving until ^C or the space expires", to.follow);
  options.duration("timeout", 't', "give up when nothing comes for so long", to.timeout);
  options.duration("interval", 'i', "ask the server at this interval, instead of waiting on it", to.interval);
  options.group("The space");
  options.duration("expire", 'e', "how long the link is good", to.space.wish.expire);
  options.size("max-size", 0, "take at most so many bytes in all", to.space.wish.max_size);
  options.number("max-files", 0, "take at most so many files in all", to.space.wish.max_files);
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
  options.text("bind", 'b', "HOST:PORT", "where its own server listens, when --server names none", to.space.bind);
  options.url("public-url", 0, "the address of its own server as others see it", to.space.public_url);
  options.text("token-file", 0, "FILE", "the token of a server that opens spaces only with one", to.space.token_file,
               Completes::files);
  options.common(to.common, true);
  options.arguments("LINK", to.links, Completes::nothing);
  return options;
}

// What runs now, for the signal handler.
std::atomic<transfer::Receiver*> running{nullptr};

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
        progress_(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress) {
    messages_.set_quiet(set_.common.quiet);
    messages_.set_verbosity(set_.common.verbose);
    messages_.before_each([this] { progress_.clear(); });
  }

  int run();

 private:
  int check_usage();
  Result<void> take_link(const std::string& argument);
  Result<void> open_space();
  transfer::SpaceAddress address() const;
  ReceiveReportOptions how_to_report(std::optional<Asking> asking, bool to_stream) const;
  transfer::ReceiverOptions how_to_receive() const;
  Result<void> invite(ReceiveReport& report);
  Result<transfer::Received> receive(ReceiveReport& report, ReceiveOutput& output);
  int finish(const Result<transfer::Received>& received, ReceiveReport& report);
  void leave_space(OpenedSpace::Left left);
  int end(const Error& error);

  Settings set_;
  const Options& options_;
  Messages messages_;
  Facts facts_;
  term::ProgressLine progress_;
  std::optional<GivenLink> given_;     // where from: what was named,
  std::optional<OpenedSpace> opened_;  // or what this run opened
  SharedIdentity identity_;            // null: nothing is opened
  std::uint64_t handled_ = 0;          // deliveries
  bool reader_gone_ = false;           // of -o -
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
  if (set_.links.size() > 1) return usage("there is more than one LINK");
  if (!set_.links.empty()) {
    for (const auto* name :
         {"expire", "max-size", "max-files", "label", "keep", "qr", "qr-file", "invert", "bind", "public-url"})
      if (options_.on_command_line(name))
        return usage("--" + std::string(name) + " goes with opening a space, not with a LINK");
  } else if (set_.common.server) {
    for (const auto* name : {"bind", "public-url"})
      if (options_.on_command_line(name))
        return usage("--" + std::string(name) + " is for its own server, and --server names another");
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

transfer::SpaceAddress Recv::address() const {
  return opened_ ? transfer::SpaceAddress(opened_->link()) : given_->address;
}

// --- receiving

ReceiveReportOptions Recv::how_to_report(std::optional<Asking> asking, bool to_stream) const {
  ReceiveReportOptions how;
  if (!set_.common.quiet) how.preview = preview_when(set_.preview).value_or(PreviewWhen::never);
  how.asking = std::move(asking);
  if (to_stream) how.stream = set_.output;
  if (set_.print0) how.path_end = '\0';
  how.download = !opened_;
  how.waits_on = set_.follow || set_.count.value_or(1) > 1;
  how.hook = set_.exec;
  if (!address().shared) how.space = address().name.text();
  return how;
}

transfer::ReceiverOptions Recv::how_to_receive() const {
  transfer::ReceiverOptions how;
  how.client = client_for(address().origin);
  how.count = set_.follow ? 0 : set_.count.value_or(1);
  how.present_only = !opened_ && !set_.follow && !set_.count && !set_.timeout;
  if (set_.timeout) how.timeout = std::chrono::duration_cast<Millis>(*set_.timeout);
  if (set_.interval) how.interval = std::chrono::duration_cast<Millis>(*set_.interval);
  how.sha256 = set_.sha256;
  how.keep = set_.space.keep || !opened_;
  how.identity = identity_;
  how.only_sealed = set_.seal == "require";
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
  invitation.after = lines_of(opened_->terms(shown_words), system_clock().wall());
  if (set_.qr.value_or(term::is_terminal(STDERR_FILENO))) invitation.symbol = *symbol;
  invitation.invert = set_.invert;
  report.invite(std::move(invitation));
  return {};
}

Result<transfer::Received> Recv::receive(ReceiveReport& report, ReceiveOutput& output) {
  transfer::Receiver receiver(address(), how_to_receive(), report.events(stop_receiving));
  running = &receiver;
  if (ended_by() != 0) receiver.interrupt();  // the signal came before there was something to stop
  Result<transfer::Received> received = fail(Kind::other, "nothing was received");
  const Attention attention{[&] { report.redraw(); }, opened_ ? opened_->own_server() : nullptr, stop_receiving};
  const auto server_died = run_attended([&] { received = output.fill(receiver); }, attention);
  running = nullptr;
  handled_ = receiver.handled();
  reader_gone_ = !received && output.closed();
  if (!server_died) return tl::unexpected(server_died.error());
  progress_.clear();
  if (*server_died && !received && ended_by() == 0) return fail(Kind::other, "the own server ended unexpectedly");
  return received;
}

// --- afterwards

int Recv::finish(const Result<transfer::Received>& received, ReceiveReport& report) {
  using Left = OpenedSpace::Left;
  if (!received || report.output_failed()) {
    const Error error = report.output_failed() ? *report.output_failed() : received.error();
    const int code = end(error);
    const bool lost = !received && ended_by() == 0 && !facts_.closed() && !reader_gone_ &&
                      error.kind != Kind::timed_out && error.kind != Kind::gone && error.kind != Kind::not_found;
    leave_space(lost ? Left::something : Left::nothing);
    return code;
  }
  if (auto told = report.done(*received); !told) {
    leave_space(Left::nothing);
    return end(told.error());
  }
  if (opened_) opened_->stay(messages_);
  if (received->left > 0) messages_.warn("others sent too, when the stream was over: what they sent is not in it");
  leave_space(received->refused + received->left > 0 ? Left::something : Left::nothing);
  if (ended_by() != 0) return end({});
  if (received->first_refusal) return exit_code(received->first_refusal->kind);
  return report.hook_failed() || received->left > 0 ? exit_partly : exit_done;
}

void Recv::leave_space(OpenedSpace::Left left) {
  if (!opened_) return;
  // Who presses ^C gives up what may come; else nothing is deleted unseen.
  opened_->end(left, messages_, ended_by() == 0 ? std::optional(handled_) : std::nullopt);
}

int Recv::end(const Error& error) {
  progress_.clear();
  if (const int signal = ended_by()) {
    if (signal == SIGINT && term::is_terminal(STDERR_FILENO)) messages_.raw("\n");
    messages_.warn(set_.space.keep || !opened_ ? "interrupted" : "interrupted; the space is deleted");
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
  std::optional<Asking> asking;
  if (set_.ask) {
    auto terminal = Asking::open("--ask");
    if (!terminal) return options_.usage_error(terminal.error());
    asking.emplace(std::move(*terminal));
  }
  take_over_signals(stop_receiving);
  auto output = ReceiveOutput::open(set_.output, on_conflict_of(set_.on_conflict));
  if (!output) return end(output.error());
  if (set_.links.empty())
    if (auto opened = open_space(); !opened) return end(opened.error());
  ReceiveReport report(how_to_report(std::move(asking), output->is_stream()), messages_, facts_, progress_);
  if (opened_) {
    if (auto invited = invite(report); !invited) {
      leave_space(OpenedSpace::Left::nothing);
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
