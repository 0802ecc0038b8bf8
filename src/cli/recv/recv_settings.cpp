#include "cli/recv/recv_settings.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "cli/client_options.h"
#include "cli/given_name.h"
#include "cli/places.h"
#include "cli/recv/poster_file.h"
#include "term/terminal.h"

namespace qrx::cli {

namespace {

void describe_saving(Options& options, RecvSettings& to) {
  options.group("Saving");
  options.text("output", 'o', "PATH", "a directory, a file name, or - for stdout (default: this directory)", to.output,
               Completes::files);
  options.choice("on-conflict", 0, {"rename", "refuse", "overwrite"}, "what to do if the file exists (default: rename)",
                 to.on_conflict);
  options.choice("preview", 0, {"auto", "never", "always"}, "show pictures and the beginning of texts in the terminal",
                 to.preview);
  options.flag("clipboard", 0, "also copy received text to the clipboard", to.clipboard);
  options.flag("ask", 0, "ask before saving each file", to.ask);
  options.text("exec", 0, "CMD", "run CMD with sh after each delivery; $QRX_PATHS holds the paths", to.exec);
  options.text("resume", 0, "GUID", "only save what an earlier run could not; all: of every run", to.resume,
               Completes::nothing);
  options.flag("print0", '0', "separate the printed paths by NUL", to.print0);
  options.flag("sha256", 0, "also compute and report SHA-256", to.sha256);
}

void describe_link(Options& options, RecvSettings& to) {
  options.group("The link");
  options.duration("expire", 'e', "how long the link works", to.space.wish.expire);
  options.size("max-size", 0, "accept at most SIZE in total", to.space.wish.max_size);
  options.number("max-files", 0, "accept at most N files in total", to.space.wish.max_files);
  options.text("label", 0, "TEXT", "name shown to the sender", to.space.wish.label);
  options.choice("seal", 0, {"offer", "require", "off"},
                 "end-to-end encryption: if the sender can (default), always, or never", to.seal);
  options.text("identity", 0, "FILE", "secret key for LINK, if another machine opened it", to.identity,
               Completes::files);
  options.flag("keep", 0, "leave the files on the server until the link expires", to.space.keep);
  options.group("Inboxes and kept spaces");
  options.text("inbox", 0, "NAME", "receive from an inbox that stays, with the same code; made by its first run",
               to.inbox);
  options.flag("list", 0, "list inboxes and kept spaces, and what they hold", to.kept.list);
  options.flag("show", 0, "show the code and links of NAME (an inbox, a GUID, or - for a link on stdin)", to.kept.show);
  options.duration("extend", 0, "keep NAME open for this long from now", to.kept.extend);
  options.flag("close", 0, "take no more files for NAME; what is there stays", to.kept.close);
  options.flag("delete", 0, "delete NAME from the server, with all that it holds", to.kept.remove);
  options.group("The QR code");
  options.toggle("qr", "show or hide the QR code (default: show on a terminal)", to.qr);
  options.flag("invert", 0, "swap dark and light", to.invert);
  options.text("qr-file", 0, "FILE", "also save the QR code as .png or .svg", to.qr_file, Completes::files);
  options.text("poster", 0, "FILE", "also save a page to print with the code, as .pdf, .svg or .png", to.poster,
               Completes::files);
}

}  // namespace

Options describe(RecvSettings& to) {
  Options options(
      {"qrx-recv",
       "Show a QR code, wait for someone to send, and save what arrives.",
       {"[OPTION]...", "[OPTION]... LINK|-", "[OPTION]... --list | --show|--extend DUR|--close|--delete NAME"},
       {{"qrx-recv", "receive one delivery into this directory"},
        {"qrx-recv -f -o ~/Inbox", "keep receiving until Ctrl-C"},
        {"qrx-recv -o - | tar x", "hand what arrives to another program"},
        {"qrx-recv -s https://qrx.example.org", "receive through a server, from anywhere"},
        {"qrx-recv --inbox home --poster home.pdf", "an inbox that stays, with the same code, to be printed"},
        {"qrx-recv -q --qr-file code.png -t 10m", "in a script: the code as a picture"}}});
  describe_saving(options, to);
  options.group("Waiting");
  options.number("count", 'n', "end after N deliveries (default: 1)", to.count, 1);
  options.flag("follow", 'f', "keep receiving until Ctrl-C or the link expires", to.follow);
  options.duration("timeout", 't', "give up if nothing arrives within DUR", to.timeout);
  options.duration("interval", 'i', "poll the server at this interval instead of holding a request open", to.interval);
  describe_link(options, to);
  options.group("The server");
  options.text("bind", 'b', "HOST:PORT", "address for the built-in server (default: port 8461, or a free one)",
               to.space.bind);
  options.url("public-url", 0, "address of the built-in server as others see it", to.space.public_url);
  options.text("token-file", 0, "FILE", "access token for a server that requires one", to.space.token_file,
               Completes::files);
  // QRX_BIND and QRX_PUBLIC_URL are those of qrx-serve, which may be set for a service of the same user.
  options.rename_variable("bind", "QRX_RECV_BIND");
  options.rename_variable("public-url", "QRX_RECV_PUBLIC_URL");
  options.common(to.common, true);
  options.arguments("LINK", to.links, Completes::nothing);
  return options;
}

namespace {

Result<void> check_inbox(RecvSettings& set) {
  if (set.inbox.empty()) return {};
  if (auto right = check_given_name("--inbox", set.inbox); !right) return right;
  // An inbox is for whatever comes, unless a number was asked for.
  if (!set.count) set.follow = true;
  set.clear = !set.space.keep;
  set.space.keep = true;
  set.space.inbox = set.inbox;
  return {};
}

}  // namespace

Result<void> check_usage(RecvSettings& set, const Options& options) {
  const auto usage = [](std::string what, std::string hint = {}) {
    return fail(Kind::usage, std::move(what), std::move(hint));
  };
  if (set.follow && options.on_command_line("count")) {
    if (options.on_command_line("follow")) return usage("--count and --follow cannot be used together");
    set.follow = false;  // that of the environment or configuration
  }
  if (set.output.empty()) return usage("--output: an empty path");
  if (set.output == "-" && term::is_terminal(STDOUT_FILENO))
    return usage("-o - would write what strangers send to the terminal",
                 "pipe it into a program, or name a file with -o");
  if (set.output == "-" && set.common.json) return usage("-o - and --json both need stdout");
  if (set.interval && set.interval->count() == 0) return usage("--interval: must be at least 1s");
  if (!set.qr_file.empty())
    if (auto known = check_qr_file_name(set.qr_file); !known) return known;
  if (!set.poster.empty())
    if (auto known = check_poster_name(set.poster); !known) return known;
  // What one run does, and no habit: from the environment or the configuration these would surprise every later run.
  for (auto [name, chosen] : {std::pair("list", &set.kept.list),
                              {"show", &set.kept.show},
                              {"close", &set.kept.close},
                              {"delete", &set.kept.remove}})
    if (!options.on_command_line(name)) *chosen = false;
  if (!options.on_command_line("extend")) set.kept.extend.reset();
  if (set.kept.any()) return check_usage(set.kept, set.links, set.inbox);
  if (set.links.size() > 1) return usage("more than one LINK");
  // A LINK says where from; the inbox of the configuration is for runs without one.
  if (!set.links.empty() && !options.on_command_line("inbox")) set.inbox.clear();
  if (auto right = check_inbox(set); !right) return right;
  if (!set.links.empty()) {
    // In the environment they are for runs without a LINK.
    for (const auto* name : {"expire", "max-size", "max-files", "label", "keep", "qr", "qr-file", "invert", "bind",
                             "public-url", "resume", "inbox", "poster"})
      if (options.on_command_line(name)) return usage("--" + std::string(name) + " cannot be used with a LINK");
  } else if (set.common.server) {
    for (const auto* name : {"bind", "public-url"})
      if (options.on_command_line(name))
        return usage("--" + std::string(name) + " is for the built-in server, and --server names another");
  }
  return {};
}

Result<void> check_reopening(const RecvSettings& set, const Options& options, const KeptSpace& inbox) {
  const std::string hint = "choose another name, or delete this one with: qrx-recv --delete '" + set.inbox + "'";
  // They are set when it is made, and cannot be changed by opening it again.
  for (const auto* name : {"label", "max-size", "max-files", "token-file"})
    if (options.on_command_line(name))
      return fail(Kind::usage, "--" + std::string(name) + " is for a new inbox: " + set.inbox + " is there already",
                  hint);
  const std::string place = inbox.is_served_here() ? "this machine's own server" : inbox.link.origin.url();
  if (options.on_command_line("server") && (inbox.is_served_here() || *set.common.server != inbox.link.origin))
    return fail(Kind::usage, "the inbox " + set.inbox + " is on " + place + ", not on " + set.common.server->url(),
                hint);
  for (const auto* name : {"bind", "public-url"})
    if (options.on_command_line(name) && !inbox.is_served_here())
      return fail(Kind::usage,
                  "--" + std::string(name) + " is for the built-in server: the inbox " + set.inbox + " is on " + place);
  return {};
}

receive::ReceiverOptions how_to_receive(const RecvSettings& set, const wire::Origin& origin) {
  receive::ReceiverOptions how;
  how.client = client_for(origin);
  how.count = set.awaited();
  if (set.timeout) how.timeout = std::chrono::duration_cast<Millis>(*set.timeout);
  if (set.interval) how.interval = std::chrono::duration_cast<Millis>(*set.interval);
  how.sha256 = set.sha256;
  how.only_sealed = set.seal == "require";
  how.state_dir = receiving_dir();
  return how;
}

ReceiveReportOptions how_to_report(const RecvSettings& set, bool to_stream) {
  ReceiveReportOptions how;
  if (!set.common.quiet) how.preview = preview_when(set.preview).value_or(PreviewWhen::never);
  if (to_stream) how.stream = set.output;
  if (set.print0) how.path_end = '\0';
  how.waits_on = set.awaited() != 1;
  how.count = set.awaited();
  how.hook = set.exec;
  how.clipboard = set.clipboard;
  return how;
}

}  // namespace qrx::cli
