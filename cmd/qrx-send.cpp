// qrx-send: checks the data, finds the drop link in a picture or takes it from the command line, uploads.
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

#include "base/text.h"
#include "base/units.h"
#include "cli/addresses.h"
#include "cli/asking.h"
#include "cli/client_options.h"
#include "cli/counts.h"
#include "cli/events.h"
#include "cli/exit.h"
#include "cli/link_words.h"
#include "cli/options.h"
#include "cli/places.h"
#include "cli/send/link_scan.h"
#include "cli/send/send_report.h"
#include "cli/send/text_to_send.h"
#include "cli/signals.h"
#include "cli/space/unsaved.h"
#include "cli/user_messages.h"
#include "seal/fingerprint.h"
#include "send/sender.h"
#include "send/sources.h"
#include "term/progress.h"
#include "term/terminal.h"
#include "wire/link.h"

using namespace qrx;
using namespace qrx::cli;

namespace {

struct Settings {
  Common common;
  std::vector<std::string> files;
  std::vector<std::string> images;
  std::string camera;
  std::string link;
  bool screen = false;
  bool thorough = false;
  bool scan_only = false;
  bool any = false;
  std::optional<Seconds> timeout;
  std::optional<std::string> text;
  bool clipboard = false;
  std::optional<std::string> name;
  bool skip_errors = false;
  std::string seal = "auto";
  std::string expect;
  bool sha256 = false;
  std::optional<std::uint64_t> limit_rate;
  std::string message;
  bool yes = false;
};

Options describe(Settings& to) {
  Options options({"qrx-send",
                   "Send files to whoever is showing the QR code.",
                   {"[OPTION]... FILE|DIR|-...", "[OPTION]... --text TEXT|--clipboard", "[OPTION]... --scan-only"},
                   {{"qrx-send photo.jpg", "send a file to the QR code before the camera"},
                    {"qrx-send -i screenshot.png photo.jpg", "send it to the code in a picture"},
                    {"qrx-send -l LINK photos/ notes.txt", "send a directory and a file as one delivery"},
                    {"tar c src | qrx-send -l LINK --name src.tar -", "send what another program writes"},
                    {"qrx-send --screen photo.jpg", "send it to the code on this screen, say in a video call"},
                    {"qrx-send -l LINK --text 'see you at 8'", "send a text"},
                    {"qrx-send -i code.png --scan-only", "print the link in a picture"}}});
  options.group("Where to");
  options.texts("image", 'i', "PATH", "find the QR code in this picture or screenshot; - is stdin; repeatable",
                to.images, Completes::files);
  options.text("camera", 'c', "DEV",
               "watch this camera: a number, a device, a video file, or a stream's URL (default: the first one)",
               to.camera, Completes::files);
  options.flag("screen", 0, "take a screenshot, and look for the code on this machine's own screen", to.screen);
  options.text("link", 'l', "LINK", "send to this link, without a picture", to.link);
  options.flag("scan-only", 0, "print the link found, and end", to.scan_only);
  options.flag("any", 0, "with --scan-only: print whatever the codes say", to.any);
  options.text("expect", 0, "WORDS", "send only if these are the four words that the receiver shows", to.expect);
  options.flag("thorough", 0, "try every way to read a picture, however long it takes", to.thorough);
  options.duration("timeout", 't', "stop looking for a code after this time", to.timeout);
  options.group("What");
  options.text("text", 'T', "TEXT", "send this text instead of files; - is stdin", to.text);
  options.flag("clipboard", 0, "send what the clipboard holds: a text, or a picture", to.clipboard);
  options.text("name", 0, "NAME", "the name under which data from stdin or a pipe, or the only FILE, arrives", to.name);
  options.flag("skip-errors", 0, "leave out what cannot be read or named, say what, and exit with 3", to.skip_errors);
  options.text("message", 'm', "TEXT", "a line of text for the receiver", to.message);
  options.choice("seal", 0, {"auto", "require", "off"},
                 "encrypt to the key in the link: when it has one, always, or never", to.seal);
  options.group("How");
  options.size("limit-rate", 0, "send at most this many bytes a second", to.limit_rate);
  options.flag("sha256", 0, "report SHA-256 sums instead of XXH128", to.sha256);
  options.flag("yes", 'y', "answer yes to every question", to.yes);
  options.common(to.common, false);
  options.arguments("FILE", to.files, Completes::files);
  return options;
}

// What runs now, for the signal handler.
std::atomic<send::Sender*> running{nullptr};

void stop_sending() {
  if (auto* sender = running.load()) sender->interrupt();
}

class Send {
 public:
  Send(Settings settings, const Options& options)
      : set_(std::move(settings)),
        options_(options),
        messages_("qrx-send"),
        facts_(set_.common.json),
        progress_(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress),
        where_(where_to()),
        scan_(where_, messages_, progress_,
              term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress) {
    messages_.set_quiet(set_.common.quiet);
    messages_.set_verbosity(set_.common.verbose);
    messages_.before_each([this] { progress_.clear(); });
  }

  int run();

 private:
  int check_usage();
  int check_text();
  int end(const Error& error);
  int scan_only();
  ScanWish where_to() const;
  bool confirmed(const DropLink& link);
  Result<void> check_words(LinkWords& words);
  Result<send::SourceList> find_text();
  Result<send::SourceList> find_files();
  int check_sources(const send::SourceList& sources);
  send::SenderOptions how_to_send(const Origin& origin);
  Result<void> announce(const DropLink& link, const wire::DropInfo& drop, const send::Sender& sender,
                        const std::string& what, LinkWords* words);
  int send(const DropLink& link, const send::SourceList& sources);

  Settings set_;
  const Options& options_;
  Messages messages_;
  Facts facts_;
  term::ProgressLine progress_;
  ScanWish where_;
  LinkScan scan_;
  TextToSend text_;          // instead of files
  std::size_t skipped_ = 0;  // of what was asked for
};

int Send::end(const Error& error) {
  if (const int signal = ended_by()) {
    messages_.warn("interrupted", running.load() ? "run the same command again to resume" : "");
    return exit_code_of_signal(signal);
  }
  if (facts_.closed()) return exit_code_of_signal(SIGPIPE);
  messages_.error(error);
  (void)facts_.event(
      Event("error").text("message", error.what).number("exit", static_cast<std::uint64_t>(exit_code(error.kind))));
  return exit_code(error.kind);
}

// 0 when all is well.
int Send::check_text() {
  if (set_.text && set_.clipboard) return options_.usage_error("--text and --clipboard exclude each other");
  const std::string option = set_.text ? "--text" : "--clipboard";
  if (!set_.files.empty())
    return options_.usage_error(Error{Kind::usage, option + " is sent instead of files",
                                      "a text beside files is a message: qrx-send --message TEXT FILE…"});
  if (options_.on_command_line("message"))
    return options_.usage_error(option + " and --message exclude each other: the text is the message");
  return 0;
}

int Send::check_usage() {
  // What one run does, and no habit: --exec of qrx-recv hands a text on as QRX_TEXT.
  if (!options_.on_command_line("text")) set_.text.reset();
  if (!options_.on_command_line("clipboard")) set_.clipboard = false;
  if (set_.scan_only) {
    if (!set_.files.empty()) return options_.usage_error("--scan-only sends nothing, so it takes no FILE");
  } else {
    if (set_.any) return options_.usage_error("--any goes with --scan-only");
    if (set_.text || set_.clipboard) return check_text();
    if (set_.files.empty())
      return options_.usage_error(
          Error{Kind::usage, "nothing to send", "name files, directories, or - for stdin; or a text with --text"});
  }
  if (auto fits = wire::check_message(set_.message); !fits)
    return options_.usage_error(Error{Kind::usage, "--message: " + fits.error().what, fits.error().hint});
  int ways = 0;
  for (const auto* name : {"image", "camera", "screen", "link"}) ways += options_.on_command_line(name) ? 1 : 0;
  if (ways > 1)
    return options_.usage_error(
        "-i, -c, --screen and -l exclude each other: the link is in pictures, before a camera, on the screen, or "
        "given");
  int readers_of_stdin = 0;
  for (const auto* list : {&set_.files, &set_.images})
    for (const auto& path : *list) readers_of_stdin += path == "-" ? 1 : 0;
  readers_of_stdin += (set_.camera == "-" ? 1 : 0) + (set_.text == "-" ? 1 : 0);
  if (readers_of_stdin > 1) return options_.usage_error("only one of all can be read from stdin (-)");
  return 0;
}

// A picture, a camera or the screen on the command line is stronger than others in the environment.
ScanWish Send::where_to() const {
  ScanWish wish{ScanWish::Where::camera, set_.link, set_.images, set_.camera, set_.thorough, set_.any, set_.timeout};
  const auto named = [this](const char* option) { return options_.on_command_line(option); };
  if (named("screen"))
    wish.where = ScanWish::Where::screen;
  else if (named("camera"))
    wish.where = ScanWish::Where::camera;
  else if (named("image") || (set_.link.empty() && !set_.images.empty()))
    wish.where = ScanWish::Where::pictures;
  else if (!set_.link.empty() && !set_.scan_only)
    wish.where = ScanWish::Where::link;
  else if (!set_.images.empty())
    wish.where = ScanWish::Where::pictures;
  return wish;
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

// A picture can come from anywhere: plain HTTP to a host outside the local network is worth a question.
bool Send::confirmed(const DropLink& link) {
  if (set_.yes || !set_.link.empty() || link.origin.tls || is_private_host(link.origin.host)) return true;
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

send::SenderOptions Send::how_to_send(const Origin& origin) {
  send::SenderOptions how;
  how.client = client_for(origin);
  how.message = text_.message.empty() ? set_.message : text_.message;
  how.sha256 = set_.sha256;
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

// What is about to be sent, and to whom.
Result<void> Send::announce(const DropLink& link, const wire::DropInfo& drop, const send::Sender& sender,
                            const std::string& what, LinkWords* words) {
  messages_.say("sending " + what + " to " + (drop.label.empty() ? "" : "'" + drop.label + "' at ") +
                link.origin.authority());
  if (sender.seals())
    messages_.say("sealed: only the receiver can read it");
  else if (!link.key.empty())
    messages_.say("not sealed, as you asked: the server can read it");
  Event start("start");
  start.text("label", drop.label).text("server", link.origin.url()).text("guid", link.guid.text());
  start.boolean("sealed", sender.seals());
  if (words != nullptr) {
    const auto& shown = words->get();
    if (!shown) return tl::unexpected(shown.error());
    messages_.say("words: " + *shown);
    start.text("words", *shown);
  }
  return facts_.event(start);
}

int Send::send(const DropLink& link, const send::SourceList& sources) {
  // They cost some 50 ms of a processor: only when someone is shown them.
  const bool at_terminal = term::is_terminal(STDERR_FILENO) && !messages_.quiet();
  std::optional<LinkWords> words;
  if (!set_.expect.empty() || set_.common.json || set_.common.verbose > 0 || at_terminal) words.emplace(link);
  if (words)
    if (auto right = check_words(*words); !right) return end(right.error());
  std::string what = escape_untrusted(text_.what);
  if (what.empty())
    what = sources.sources.size() == 1 ? escape_untrusted(sources.sources[0].name)
                                       : count_of_files(sources.sources.size());
  SendReport report(what, at_terminal && term::moves_cursor() && !set_.common.no_progress, messages_, facts_,
                    progress_);
  send::Sender sender(link, how_to_send(link.origin), report.events(stop_sending));
  running = &sender;
  const struct Ended {
    ~Ended() { running = nullptr; }
  } ended;
  if (ended_by() != 0) sender.interrupt();  // by a signal that found nothing to stop
  const auto drop = sender.look();
  if (!drop) return end(drop.error());
  if (auto fits = send::Sender::check_limits(*drop, sources, sender.seals()); !fits) return end(fits.error());
  const std::uint64_t bytes = sources.known_bytes + text_.message.size();
  const std::string size = sources.has_stream ? "" : ", " + format_size(bytes);
  if (auto said = announce(link, *drop, sender, what + size, words ? &*words : nullptr); !said)
    return end(said.error());
  const auto delivery = sender.send(sources);
  if (!delivery) return end(delivery.error());
  progress_.clear();
  if (auto said = report.done(*delivery, set_.sha256); !said) return end(said.error());
  messages_.say("sent successfully");
  return skipped_ > 0 ? exit_partly : exit_done;
}

// What cannot be sent is named all at once, before anything else happens. 0 when the rest is to be sent.
int Send::check_sources(const send::SourceList& sources) {
  const auto& errors = sources.errors;
  if (errors.empty()) return 0;
  skipped_ = errors.size();
  const bool goes_on = set_.skip_errors && !sources.sources.empty();
  for (std::size_t i = 0; i + (goes_on ? 0 : 1) < errors.size(); ++i) {
    messages_.warn(errors[i].what + (goes_on ? "; left out" : ""));
    if (auto said = facts_.event(Event("skipped").text("message", errors[i].what)); goes_on && !said)
      return end(said.error());
  }
  if (goes_on) return 0;
  Error last = errors.back();
  if (!set_.skip_errors) {
    const std::string others = errors.size() > 1 ? "these " + std::to_string(errors.size()) : std::string("it");
    last.hint =
        (last.hint.empty() ? "" : last.hint + "; ") + "nothing was sent; --skip-errors leaves " + others + " out";
  }
  return end(last);
}

int Send::run() {
  if (const int wrong = check_usage()) return wrong;
  take_over_signals(stop_sending);
  if (set_.scan_only) return scan_only();

  // The data first: nobody should hold a phone up to a code and then learn that a file is missing.
  const auto sources = set_.text || set_.clipboard ? find_text() : find_files();
  if (!sources) return end(sources.error());
  if (const int wrong = check_sources(*sources)) return wrong;

  const auto link = scan_.find();
  if (!link) return end(link.error());
  if (ended_by() != 0) return end({});
  if (set_.seal == "require" && link->key.empty())
    return options_.usage_error(
        Error{Kind::usage, "--seal require: the link has no key to seal to", "nothing was sent"});
  if (!confirmed(*link)) return end(Error{Kind::denied, "not sent: you said no", ""});
  return send(*link, *sources);
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

Result<send::SourceList> Send::find_files() {
  send::FindOptions how;
  // In the environment or the configuration it is a default for stdin, and no reason to refuse several files.
  if (set_.name && (options_.on_command_line("name") || set_.files == std::vector<std::string>{"-"}))
    how.name = set_.name;
  how.stopped = [] { return ended_by() != 0; };
  auto sources = send::find_sources(set_.files, how);
  if (!sources) return sources;
  for (const auto& warning : sources->warnings) messages_.warn(warning);
  for (const auto& [path, name] : sources->renamed) {
    messages_.warn("name changed: " + path + " is sent as " + name);
    if (auto said = facts_.event(Event("renamed").path("from", path).text("to", name)); !said)
      return tl::unexpected(said.error());
  }
  return sources;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  clear_left_runs();
  return Send(settings, options).run();
}
