#include "cli/clipboard.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "base/unique_fd.h"
#include "base/write_all.h"
#include "process/find_program.h"
#include "process/run_program.h"
#include "term/terminal.h"

namespace qrx::cli {
namespace {

using Words = std::vector<std::string>;

// Terminals drop longer ones: xterm and hterm take about 100 kB of base64, which is 74,994 bytes.
constexpr std::size_t most_terminal_bytes = 74'994;

struct PictureType {
  const char* type;
  const char* ending;
};
constexpr PictureType picture_types[] = {
    {"image/png", "png"}, {"image/jpeg", "jpg"}, {"image/webp", "webp"}, {"image/gif", "gif"}, {"image/bmp", "bmp"}};

// A program that knows a clipboard, and where that one is.
struct Keeper {
  const char* program;
  const char* variable;  // of the environment, without which there is no such clipboard
  Words text;            // gives, or takes, a text
  Words types;           // gives the list of what is there; empty: texts only
  Words picture;         // and then the type's name; gives a picture
};

const std::vector<Keeper>& readers() {
  // PowerShell writes a byte order mark and a line's end unless told otherwise.
  static const char* const get_text =
      "$e=New-Object Text.UTF8Encoding $false;$b=$e.GetBytes([string](Get-Clipboard -Raw));"
      "[Console]::OpenStandardOutput().Write($b,0,$b.Length)";
  static const std::vector<Keeper> all = {
      {"wl-paste",
       "WAYLAND_DISPLAY",
       {"wl-paste", "--no-newline", "--type", "text"},
       {"wl-paste", "--list-types"},
       {"wl-paste", "--type"}},
      {"xclip",
       "DISPLAY",
       {"xclip", "-selection", "clipboard", "-o", "-t", "UTF8_STRING"},
       {"xclip", "-selection", "clipboard", "-o", "-t", "TARGETS"},
       {"xclip", "-selection", "clipboard", "-o", "-t"}},
      {"xsel", "DISPLAY", {"xsel", "--clipboard", "--output"}, {}, {}},
      {"termux-clipboard-get", "TERMUX_VERSION", {"termux-clipboard-get"}, {}, {}},
      {"powershell.exe", "WSL_DISTRO_NAME", {"powershell.exe", "-NoProfile", "-Command", get_text}, {}, {}},
      {"pbpaste", "HOME", {"pbpaste"}, {}, {}},
      {"tmux", "TMUX", {"tmux", "save-buffer", "-"}, {}, {}}};
  return all;
}

const std::vector<Keeper>& writers() {
  static const std::vector<Keeper> all = {
      {"wl-copy", "WAYLAND_DISPLAY", {"wl-copy", "--type", "text/plain;charset=utf-8"}, {}, {}},
      {"xclip", "DISPLAY", {"xclip", "-selection", "clipboard", "-i"}, {}, {}},
      {"xsel", "DISPLAY", {"xsel", "--clipboard", "--input"}, {}, {}},
      {"termux-clipboard-set", "TERMUX_VERSION", {"termux-clipboard-set"}, {}, {}},
      {"clip.exe", "WSL_DISTRO_NAME", {"clip.exe"}, {}, {}},
      {"pbcopy", "HOME", {"pbcopy"}, {}, {}},
      // Unless told otherwise tmux heeds no OSC 52 of programs. -w: it asks the terminal around it, too.
      {"tmux", "TMUX", {"tmux", "load-buffer", "-w", "-"}, {}, {}}};
  return all;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool is_usable(const Keeper& keeper) {
  // The variable first: a program that is installed without its desktop would only fail, or wait.
  return is_set(keeper.variable) && process::find_in_path(keeper.program);
}

Error no_program() {
  if (is_set("WAYLAND_DISPLAY"))
    return {Kind::other, "no program that knows the clipboard was found", "install wl-clipboard (wl-paste, wl-copy)"};
  if (is_set("DISPLAY")) return {Kind::other, "no program that knows the clipboard was found", "install xclip or xsel"};
  return {
      Kind::other, "there is no clipboard here: no desktop was found (WAYLAND_DISPLAY and DISPLAY are not set)", {}};
}

Result<std::string> ask(Words words, int stop) {
  auto program = process::installed_program(std::move(words));
  if (!program) return tl::unexpected(program.error());
  program->most_output = most_clipboard_bytes;
  program->stop = stop;
  auto ran = process::run_in_time(*program);
  if (!ran) return tl::unexpected(ran.error());
  // What these programs do when there is nothing to give.
  if (!ran->ended.well()) return fail(Kind::usage, "the clipboard is empty, or holds neither a text nor a picture");
  return std::move(ran->output);
}

// One type a line.
bool lists(const std::string& types, std::string_view type) {
  return ("\n" + types + "\n").find("\n" + std::string(type) + "\n") != std::string::npos;
}

bool lists_text(const std::string& types) {
  return lists(types, "UTF8_STRING") || lists(types, "STRING") || types.find("text/plain") != std::string::npos;
}

// A sequence for the terminal around GNU screen, which passes what stands in a device control string and takes no
// longer one than 768 bytes.
std::string through_screen(std::string_view sequence) {
  constexpr std::size_t most = 512;
  std::string out;
  for (; !sequence.empty(); sequence.remove_prefix(std::min(most, sequence.size())))
    out += "\x1bP" + std::string(sequence.substr(0, most)) + "\x1b\\";
  return out;
}

// The terminal itself, whatever stdout and stderr are.
Result<std::string> ask_terminal(std::string_view text) {
  const UniqueFd terminal(::open("/dev/tty", O_WRONLY | O_CLOEXEC | O_NOCTTY));
  if (!terminal || !term::moves_cursor()) return tl::unexpected(no_program());
  if (text.size() > most_terminal_bytes)
    return fail(Kind::too_large, "the text is too long for the terminal's clipboard");
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  // OSC 52, as xterm has it: "c" is the clipboard.
  std::string sequence = "\x1b]52;c;";
  for (std::size_t at = 0; at < text.size(); at += 3) {
    std::uint32_t bits = 0;
    const std::size_t count = std::min<std::size_t>(3, text.size() - at);
    for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < count ? static_cast<unsigned char>(text[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) sequence += i <= count ? digits[bits >> (18 - 6 * i) & 63U] : '=';
  }
  sequence += "\x07";
  if (is_set("STY")) sequence = through_screen(sequence);
  if (!write_all(terminal.get(), sequence)) return fail_errno("cannot write to the terminal");
  return "asked the terminal to copy it (OSC 52)";
}

}  // namespace

Result<Clipboard> read_clipboard(int stop) {
  for (const Keeper& keeper : readers()) {
    if (!is_usable(keeper)) continue;
    if (!keeper.types.empty()) {
      const auto types = ask(keeper.types, stop);
      if (!types) return tl::unexpected(types.error());
      // A text wins over a picture of it, as office programs put both there.
      if (!lists_text(*types))
        for (const auto& [type, ending] : picture_types) {
          // In the order of picture_types: PNG loses nothing.
          if (!lists(*types, type)) continue;
          Words words = keeper.picture;
          words.emplace_back(type);
          auto bytes = ask(std::move(words), stop);
          if (!bytes) return tl::unexpected(bytes.error());
          return Clipboard{std::move(*bytes), ending};
        }
    }
    auto text = ask(keeper.text, stop);
    if (!text) return tl::unexpected(text.error());
    if (text->empty()) return fail(Kind::usage, "the clipboard is empty");
    return Clipboard{std::move(*text), {}};
  }
  return tl::unexpected(no_program());
}

Result<std::string> write_clipboard(std::string_view text, int stop) {
  for (const Keeper& keeper : writers()) {
    if (!is_usable(keeper)) continue;
    auto program = process::installed_program(keeper.text);
    if (!program) return tl::unexpected(program.error());
    program->input = text;
    program->stop = stop;
    const auto ran = process::run_in_time(*program);
    if (!ran) return tl::unexpected(ran.error());
    // The first that is there decides: it holds the clipboard that people see.
    if (ran->ended.well()) return "copied to the clipboard by " + std::string(keeper.program);
    return fail(Kind::other, std::string(keeper.program) + " could not put the text on the clipboard");
  }
  // No desktop, as on a machine reached by SSH: the terminal has its own clipboard.
  return ask_terminal(text);
}

}  // namespace qrx::cli
