#include "cli/send/send_settings.h"

#include <utility>

#include "base/text.h"
#include "cli/client_options.h"
#include "cli/given_name.h"
#include "wire/link.h"
#include "wire/messages.h"

namespace qrx::cli {
namespace {

// What was meant for -l: no file is found by such a name.
bool is_link(const std::string& path) {
  const std::string start = to_lower_ascii(path.substr(0, 8));
  return (start.starts_with("http://") || start == "https://") && wire::parse_drop_link(path).has_value();
}

Result<void> check_text(const SendSettings& set, const Options& options) {
  if (set.text && set.clipboard) return fail(Kind::usage, "--text and --clipboard cannot be used together");
  const std::string option = set.text ? "--text" : "--clipboard";
  if (!set.files.empty())
    return fail(Kind::usage, option + " is sent instead of files",
                "a text beside files is a message: qrx-send --message TEXT FILE…");
  if (options.on_command_line("message"))
    return fail(Kind::usage, option + " and --message cannot be used together: the text is the message");
  return {};
}

Result<void> check_names(const SendSettings& set, const Options& options) {
  for (const auto& [option, name] : {std::pair("--save-as", &set.save_as), {"--to", &set.to}})
    if (!name->empty())
      if (auto right = check_given_name(option, *name); !right) return right;
  if (!set.save_as.empty() && options.on_command_line("to"))
    return fail(Kind::usage, "--to and --save-as cannot be used together: the one reads what the other writes");
  if (!set.save_as.empty() && set.scan_only)
    return fail(Kind::usage, "--scan-only and --save-as cannot be used together",
                "--save-as without FILE sends nothing, either");
  if (!set.forget.empty() && (!set.files.empty() || set.text || set.clipboard || set.scan_only || !set.save_as.empty()))
    return fail(Kind::usage, "--forget does nothing else");
  return {};
}

}  // namespace

Result<void> check_usage(SendSettings& set, const Options& options) {
  // What one run does, and no habit: --exec of qrx-recv hands a text on as QRX_TEXT, which must not become the text to
  // send.
  if (!options.on_command_line("text")) set.text.reset();
  if (!options.on_command_line("clipboard")) set.clipboard = false;
  if (!options.on_command_line("save-as")) set.save_as.clear();
  if (!options.on_command_line("forget")) set.forget.clear();
  if (!set.save_as.empty() && !options.on_command_line("to")) set.to.clear();  // that of the environment
  if (auto right = check_names(set, options); !right) return right;
  if (!set.forget.empty()) return {};
  if (set.scan_only) {
    if (!set.files.empty()) return fail(Kind::usage, "--scan-only sends nothing, so it takes no FILE");
  } else {
    if (set.any) return fail(Kind::usage, "--any needs --scan-only");
    if (set.text || set.clipboard) return check_text(set, options);
    if (set.files.empty() && set.save_as.empty())
      return fail(Kind::usage, "nothing to send", "name files, directories, or - for stdin; or a text with --text");
  }
  for (const auto& path : set.files)
    if (is_link(path))
      return fail(Kind::usage, "'" + path + "' is a link, not a file", "send to it with: qrx-send -l LINK FILE");
  if (auto fits = wire::check_message(set.message); !fits)
    return fail(Kind::usage, "--message: " + fits.error().what, fits.error().hint);
  int ways = 0;
  for (const auto* name : {"image", "camera", "screen", "link", "to"}) ways += options.on_command_line(name) ? 1 : 0;
  if (ways > 1)
    return fail(
        Kind::usage,
        "-i, -c, --screen, -l and --to cannot be used together: the link is in pictures, before a camera, on the "
        "screen, given, or saved");
  int readers_of_stdin = 0;
  for (const auto* list : {&set.files, &set.images})
    for (const auto& path : *list) readers_of_stdin += path == "-" ? 1 : 0;
  readers_of_stdin += (set.camera == "-" ? 1 : 0) + (set.text == "-" ? 1 : 0);
  if (readers_of_stdin > 1) return fail(Kind::usage, "only one of all can be read from stdin (-)");
  return {};
}

Options describe(SendSettings& to) {
  Options options({"qrx-send",
                   "Send files to whoever is showing the QR code.",
                   {"[OPTION]... FILE|DIR|-...", "[OPTION]... --text TEXT|--clipboard",
                    "[OPTION]... --scan-only|--save-as NAME|--forget NAME"},
                   {{"qrx-send photo.jpg", "send a file to the QR code before the camera"},
                    {"qrx-send -i screenshot.png photo.jpg", "send it to the code in a picture"},
                    {"qrx-send -l LINK photos/ notes.txt", "send a directory and a file as one delivery"},
                    {"tar c src | qrx-send -l LINK --name src.tar -", "send what another program writes"},
                    {"qrx-send --screen photo.jpg", "send it to the code on this screen, say in a video call"},
                    {"qrx-send -l LINK --text 'see you at 8'", "send a text"},
                    {"qrx-send --save-as anna", "remember the link in the code before the camera as anna's"},
                    {"qrx-send --to anna photo.jpg", "send it to the link that was saved as anna's"},
                    {"qrx-send -i code.png --scan-only", "print the link in a picture"}}});
  options.group("Where to");
  options.texts("image", 'i', "PATH", "find the QR code in this picture or screenshot; - is stdin; repeatable",
                to.images, Completes::files);
  options.text("camera", 'c', "DEV",
               "watch this camera: a number, a device, a video file, or a stream's URL (default: the first one)",
               to.camera, Completes::files);
  options.flag("screen", 0, "take a screenshot and find the code on this screen", to.screen);
  options.text("link", 'l', "LINK", "send to this link instead of scanning", to.link);
  options.text("to", 0, "NAME", "send to the link saved as NAME, or [to.NAME] of the configuration", to.to);
  options.text("save-as", 0, "NAME", "remember the link as NAME, for --to; without FILE only that", to.save_as);
  options.text("forget", 0, "NAME", "forget the link saved as NAME, and exit", to.forget);
  options.flag("scan-only", 0, "print the link found and exit", to.scan_only);
  options.flag("any", 0, "with --scan-only: print the text of any code", to.any);
  options.text("expect", 0, "WORDS", "send only if the receiver shows these four words", to.expect);
  options.flag("thorough", 0, "try every way to read a picture, for up to four minutes", to.thorough);
  options.duration("timeout", 't', "stop looking for a code after this time", to.timeout);
  options.group("What");
  options.text("text", 'T', "TEXT", "send this text instead of files; - is stdin", to.text);
  options.flag("clipboard", 0, "send what the clipboard holds: a text, or a picture", to.clipboard);
  options.text("name", 0, "NAME", "name for data from stdin or a pipe, or for the only FILE", to.name);
  options.flag("preserve", 'p', "keep the executable bit, too; dates are always kept", to.preserve);
  options.flag("skip-errors", 0, "skip what cannot be read or named, list it, and exit with 3", to.skip_errors);
  options.text("message", 'm', "TEXT", "message for the receiver", to.message);
  options.choice("seal", 0, {"auto", "require", "off"},
                 "end-to-end encryption: if the link has a key, always, or never", to.seal);
  options.group("How");
  options.size("limit-rate", 0, "send at most this many bytes per second", to.limit_rate);
  options.flag("sha256", 0, "report SHA-256 sums instead of XXH128", to.sha256);
  options.duration_or_flag("wait", "wait until the receiver has saved it, or for DUR at most", to.wait,
                           to.longest_wait);
  options.flag("yes", 'y', "answer yes to every question", to.yes);
  options.common(to.common, false);
  options.arguments("FILE", to.files, Completes::files);
  return options;
}

send::SenderOptions how_to_send(const SendSettings& set, const wire::Origin& origin) {
  send::SenderOptions how;
  how.client = client_for(origin);
  how.sha256 = set.sha256;
  how.preserve = set.preserve;
  if (set.seal == "require") how.seal = send::SealChoice::require;
  if (set.seal == "off") how.seal = send::SealChoice::off;
  how.most_rate = set.limit_rate.value_or(0);
  return how;
}

ScanWish where_to(const SendSettings& set, const Options& options) {
  ScanWish wish{ScanWish::Where::camera, set.link, set.images, set.camera, set.thorough, set.any, set.timeout};
  const auto named = [&options](const char* option) { return options.on_command_line(option); };
  if (named("screen"))
    wish.where = ScanWish::Where::screen;
  else if (named("camera"))
    wish.where = ScanWish::Where::camera;
  else if (named("image") || (set.link.empty() && !set.images.empty()))
    wish.where = ScanWish::Where::pictures;
  else if ((!set.link.empty() || !set.to.empty()) && !set.scan_only)
    wish.where = ScanWish::Where::link;
  else if (!set.images.empty())
    wish.where = ScanWish::Where::pictures;
  return wish;
}

}  // namespace qrx::cli
