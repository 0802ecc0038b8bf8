// qrx-send: checks the data, finds the drop link in a picture or takes it from the command line, uploads.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>

#include "base/text.h"
#include "base/unique_fd.h"
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
#include "cli/signals.h"
#include "cli/unsaved.h"
#include "cli/user_messages.h"
#include "seal/fingerprint.h"
#include "term/live_picture.h"
#include "term/progress.h"
#include "term/terminal.h"
#include "transfer/sender.h"
#include "transfer/sources.h"
#include "vision/scan_client.h"
#include "vision/watch_client.h"
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
  bool thorough = false;
  bool scan_only = false;
  bool any = false;
  std::optional<Seconds> timeout;
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
                   {"[OPTION]... FILE|DIR|-...", "[OPTION]... --scan-only"},
                   {{"qrx-send photo.jpg", "send a file to the QR code before the camera"},
                    {"qrx-send -i screenshot.png photo.jpg", "send it to the code in a picture"},
                    {"qrx-send -l LINK photos/ notes.txt", "send a directory and a file as one delivery"},
                    {"tar c src | qrx-send -l LINK --name src.tar -", "send what another program writes"},
                    {"qrx-send -i code.png --scan-only", "print the link in a picture"}}});
  options.group("Where to");
  options.texts("image", 'i', "PATH", "find the QR code in this picture or screenshot; - is stdin; repeatable",
                to.images, Completes::files);
  options.text("camera", 'c', "DEV",
               "watch this camera: a number, a device, a video file, or a stream's URL (default: the first one)",
               to.camera, Completes::files);
  options.text("link", 'l', "LINK", "send to this link, without a picture", to.link);
  options.flag("scan-only", 0, "print the link found, and end", to.scan_only);
  options.flag("any", 0, "with --scan-only: print whatever the codes say", to.any);
  options.text("expect", 0, "WORDS", "send only if these are the four words that the receiver shows", to.expect);
  options.flag("thorough", 0, "try every way to read a picture, however long it takes", to.thorough);
  options.duration("timeout", 't', "stop looking for a code after this time", to.timeout);
  options.group("What");
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
std::atomic<transfer::Sender*> running{nullptr};

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
        progress_(STDERR_FILENO, term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress) {
    messages_.set_quiet(set_.common.quiet);
    messages_.set_verbosity(set_.common.verbose);
    messages_.before_each([this] { progress_.clear(); });
  }

  int run();

 private:
  int check_usage();
  int end(const Error& error);
  int scan_only();
  Result<std::vector<NamedReport>> look_for_codes();
  Result<std::vector<NamedReport>> read_pictures();
  Result<std::vector<NamedReport>> watch_camera();
  Result<DropLink> find_link();
  bool confirmed(const DropLink& link);
  Result<void> check_words(LinkWords& words);
  int check_sources(const transfer::SourceList& sources);
  int send(const DropLink& link, const transfer::SourceList& sources);
  Result<void> report(const transfer::SentDelivery& delivery);

  Settings set_;
  const Options& options_;
  Messages messages_;
  Facts facts_;
  term::ProgressLine progress_;
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
int Send::check_usage() {
  if (set_.scan_only) {
    if (!set_.files.empty()) return options_.usage_error("--scan-only sends nothing, so it takes no FILE");
  } else {
    if (set_.any) return options_.usage_error("--any goes with --scan-only");
    if (set_.files.empty())
      return options_.usage_error(Error{Kind::usage, "nothing to send", "name files, directories, or - for stdin"});
  }
  if (auto fits = wire::check_message(set_.message); !fits)
    return options_.usage_error(Error{Kind::usage, "--message: " + fits.error().what, fits.error().hint});
  int ways = 0;
  for (const auto* name : {"image", "camera", "link"}) ways += options_.on_command_line(name) ? 1 : 0;
  if (ways > 1)
    return options_.usage_error("-i, -c and -l exclude each other: the link is in pictures, before a camera, or given");
  int readers_of_stdin = 0;
  for (const auto* list : {&set_.files, &set_.images})
    for (const auto& path : *list) readers_of_stdin += path == "-" ? 1 : 0;
  readers_of_stdin += set_.camera == "-" ? 1 : 0;
  if (readers_of_stdin > 1) return options_.usage_error("only one of all can be read from stdin (-)");
  return 0;
}

Result<std::vector<NamedReport>> Send::read_pictures() {
  std::vector<NamedReport> reports;
  for (const auto& path : set_.images) {
    UniqueFd opened;
    if (path != "-") {
      opened.reset(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
      if (!opened) return fail_errno("cannot read " + path);
    }
    ScanOptions options;
    options.any = set_.any;
    if (set_.timeout) options.timeout = options.budget = *set_.timeout;
    if (set_.thorough) {
      options.budget = std::chrono::milliseconds(0);
      if (!set_.timeout) options.timeout = options.budget;
    }
    progress_.status("looking for a QR code in " + escape_untrusted(path) + "…");
    auto report = scan_picture(opened ? opened.get() : STDIN_FILENO, options);
    progress_.clear();
    if (!report) return tl::unexpected(report.error());
    messages_.detail(path + ": " + std::to_string(report->width) + "x" + std::to_string(report->height) + ", " +
                     std::to_string(report->texts.size()) + " codes" +
                     (report->step == "-" || report->step.empty() ? "" : ", found by: " + report->step));
    reports.push_back({path == "-" ? "stdin" : path, std::move(*report)});
  }
  return reports;
}

// The camera is ours until a drop link was seen; its picture stands on the terminal meanwhile, so that one can aim.
Result<std::vector<NamedReport>> Send::watch_camera() {
  auto source = set_.camera.empty() ? open_first_camera() : open_watch_source(set_.camera);
  if (!source) return tl::unexpected(source.error());
  const std::string name = escape_untrusted(source->name);
  const bool live = source->what == WatchSource::What::camera;
  const std::string looking = "looking for a QR code with " + name + "… (Ctrl-C to stop)";
  term::LivePicture picture(STDERR_FILENO,
                            term::is_terminal(STDERR_FILENO) && !set_.common.quiet && !set_.common.no_progress);
  WatchOptions options;
  options.any = set_.any;
  options.stop = ended_by_fd();
  if (set_.timeout) options.timeout = *set_.timeout;
  if (picture.shown())
    options.view = [&](const WatchView& view) {
      const std::string_view hint = words_of(view.hint);
      picture.show({view.gray.width, view.gray.height, view.gray.pixels},
                   hint.empty() ? looking : std::string(hint) + " · " + looking, live);
    };
  if (source->what != WatchSource::What::film)
    messages_.say("show the QR code to " + name + (picture.shown() ? "" : "; Ctrl-C to stop"));
  auto report = watch(*source, options);
  picture.clear();
  if (!report) return tl::unexpected(report.error());
  messages_.detail(name + ": " + std::to_string(report->width) + "x" + std::to_string(report->height) + ", " +
                   std::to_string(report->texts.size()) + " codes" +
                   (report->step.empty() ? "" : ", found by: " + report->step));
  std::vector<NamedReport> reports;
  reports.push_back({source->name, std::move(*report)});
  return reports;
}

// A picture or camera on the command line is stronger than others in the environment.
Result<std::vector<NamedReport>> Send::look_for_codes() {
  return !set_.images.empty() && !options_.on_command_line("camera") ? read_pictures() : watch_camera();
}

int Send::scan_only() {
  const auto reports = look_for_codes();
  if (!reports) return end(reports.error());
  std::vector<std::string> texts;
  if (set_.any) {
    std::optional<Error> nothing;
    for (const auto& [name, report] : *reports) {
      const auto found = texts_in(report, name);
      if (found)
        texts.insert(texts.end(), found->begin(), found->end());
      else
        nothing = found.error();
    }
    if (texts.empty()) return end(*nothing);
  } else {
    const auto link = drop_link_in(*reports);
    if (!link) return end(link.error());
    texts.push_back(*link);
  }
  for (const auto& text : texts) {
    auto said = facts_.event(Event("code").text("text", text));
    if (said) said = facts_.line(term::is_terminal(STDOUT_FILENO) ? escape_untrusted(text) : text);
    if (!said) return end(said.error());
  }
  return exit_done;
}

Result<DropLink> Send::find_link() {
  std::string text = set_.link;
  if (text.empty() || options_.on_command_line("image") || options_.on_command_line("camera")) {
    const auto reports = look_for_codes();
    if (!reports) return tl::unexpected(reports.error());
    auto found = drop_link_in(*reports);
    if (!found) return tl::unexpected(found.error());
    text = std::move(*found);
  }
  return parse_drop_link(text);
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

Result<void> Send::report(const transfer::SentDelivery& delivery) {
  std::uint64_t bytes = 0;
  for (const auto& file : delivery.files) {
    bytes += file.size;
    const std::string sum = file.sha256 && set_.sha256 ? to_hex(*file.sha256) : to_hex(file.xxh128);
    const std::string name = term::is_terminal(STDOUT_FILENO) ? escape_untrusted(file.name) : file.name;
    if (auto said = facts_.line(sum + "  " + name); !said) return said;
  }
  if (auto said = facts_.event(Event("delivered")
                                   .text("delivery", delivery.delivery.text())
                                   .number("files", delivery.files.size())
                                   .number("bytes", bytes)
                                   .boolean("resumed", delivery.resumed));
      !said)
    return said;
  return facts_.event(Event("done").number("files", delivery.files.size()).number("bytes", bytes));
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

int Send::send(const DropLink& link, const transfer::SourceList& sources) {
  // They cost some 50 ms of a processor: only when someone is shown them.
  const bool shows_words = !set_.expect.empty() || set_.common.json || set_.common.verbose > 0 ||
                           (term::is_terminal(STDERR_FILENO) && !messages_.quiet());
  std::optional<LinkWords> words;
  if (shows_words) words.emplace(link);
  if (words)
    if (auto right = check_words(*words); !right) return end(right.error());
  transfer::SenderOptions how;
  how.client = client_for(link.origin);
  how.message = set_.message;
  how.sha256 = set_.sha256;
  if (set_.seal == "require") how.seal = transfer::SealChoice::require;
  if (set_.seal == "off") how.seal = transfer::SealChoice::off;
  how.most_rate = set_.limit_rate.value_or(0);
  if (const auto state = state_dir())
    how.state_dir = *state + "/send";
  else
    messages_.detail(state.error().what + ": an interrupted upload starts over");

  const std::string what =
      sources.sources.size() == 1 ? escape_untrusted(sources.sources[0].name) : count_of_files(sources.sources.size());
  transfer::SenderEvents events;
  events.progress = [&](std::uint64_t bytes, std::optional<std::uint64_t> total) {
    progress_.update(what, bytes, total);
    Event event("sending");
    event.number("bytes", bytes);
    if (total)
      event.number("total", *total);
    else
      event.null("total");
    if (!facts_.event(event)) stop_sending();
  };
  events.sent = [&](const transfer::SentFile& file) {
    Event event("sent");
    event.text("name", file.name).number("size", file.size).text("xxh128", to_hex(file.xxh128));
    if (file.sha256) event.text("sha256", to_hex(*file.sha256));
    event.boolean("sealed", file.sealed);
    if (!facts_.event(event)) stop_sending();
  };
  events.notice = [&](const std::string& text) { messages_.notice(text); };
  const bool one_line =
      term::is_terminal(STDERR_FILENO) && term::moves_cursor() && !messages_.quiet() && !set_.common.no_progress;
  events.retry = [&, one_line](const std::string& text) {
    if (one_line)
      progress_.status(escape_untrusted(text));  // until the next one, or until it goes on
    else
      messages_.notice(text);
  };

  transfer::Sender sender(link, how, events);
  running = &sender;
  const struct Ended {
    ~Ended() { running = nullptr; }
  } ended;
  if (ended_by() != 0) sender.interrupt();  // by a signal that found nothing to stop
  const auto drop = sender.look();
  if (!drop) return end(drop.error());
  if (auto fits = transfer::Sender::check_limits(*drop, sources, sender.seals()); !fits) return end(fits.error());

  const std::string size = sources.has_stream ? "" : ", " + format_size(sources.known_bytes);
  messages_.say("sending " + what + (sources.sources.size() == 1 && sources.has_stream ? "" : size) + " to " +
                (drop->label.empty() ? "" : "'" + drop->label + "' at ") + link.origin.authority());
  if (sender.seals())
    messages_.say("sealed: only the receiver can read it");
  else if (!link.key.empty())
    messages_.say("not sealed, as you asked: the server can read it");
  Event start("start");
  start.text("label", drop->label)
      .text("server", link.origin.url())
      .text("guid", link.guid.text())
      .boolean("sealed", sender.seals());
  if (words) {
    const auto& shown = words->get();
    if (!shown) return end(shown.error());
    messages_.say("words: " + *shown);
    start.text("words", *shown);
  }
  if (auto said = facts_.event(start); !said) return end(said.error());

  const auto delivery = sender.send(sources);
  if (!delivery) return end(delivery.error());
  progress_.clear();
  if (auto said = report(*delivery); !said) return end(said.error());
  messages_.say("sent successfully");
  return skipped_ > 0 ? exit_partly : exit_done;
}

// What cannot be sent is named all at once, before anything else happens. 0 when the rest is to be sent.
int Send::check_sources(const transfer::SourceList& sources) {
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
  transfer::FindOptions how;
  // In the environment or the configuration it is a default for stdin, and no reason to refuse several files.
  if (set_.name && (options_.on_command_line("name") || set_.files == std::vector<std::string>{"-"}))
    how.name = set_.name;
  how.stopped = [] { return ended_by() != 0; };
  const auto sources = transfer::find_sources(set_.files, how);
  if (!sources) return end(sources.error());
  for (const auto& warning : sources->warnings) messages_.warn(warning);
  for (const auto& [path, name] : sources->renamed) {
    messages_.warn("name changed: " + path + " is sent as " + name);
    if (auto said = facts_.event(Event("renamed").path("from", path).text("to", name)); !said) return end(said.error());
  }
  if (const int wrong = check_sources(*sources)) return wrong;

  const auto link = find_link();
  if (!link) return end(link.error());
  if (ended_by() != 0) return end({});
  if (set_.seal == "require" && link->key.empty())
    return options_.usage_error(
        Error{Kind::usage, "--seal require: the link has no key to seal to", "nothing was sent"});
  if (!confirmed(*link)) return end(Error{Kind::denied, "not sent: you said no", ""});
  return send(*link, *sources);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  Options options = describe(settings);
  if (const auto ended = options.parse(argc, argv)) return *ended;
  clear_left_runs();
  return Send(settings, options).run();
}
