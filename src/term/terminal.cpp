#include "term/terminal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <iterator>
#include <string>

#include "base/text.h"

namespace qrx::term {
namespace {

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A pipe that a signal handler may write to: poll(2) wakes by it.
int wake[2] = {-1, -1};

void handle_resize(int) {
  // write(2) is async-signal-safe; that the pipe is full means that a wake-up is waiting already.
  const int before = errno;
  (void)!::write(wake[1], "", 1);
  errno = before;
}

struct Range {
  char32_t first, last;
};

// Unicode 15, EastAsianWidth W and F, in coarse blocks: a column too many only shortens a line.
constexpr Range wide[] = {
    {0x1100, 0x115F},   {0x231A, 0x231B},   {0x2329, 0x232A},   {0x23E9, 0x23F3},   {0x25FD, 0x25FE},
    {0x2614, 0x2615},   {0x2648, 0x2653},   {0x26AA, 0x26AB},   {0x2705, 0x2705},   {0x270A, 0x270B},
    {0x2728, 0x2728},   {0x274C, 0x274C},   {0x2753, 0x2757},   {0x2795, 0x2797},   {0x2B1B, 0x2B1C},
    {0x2B50, 0x2B55},   {0x2E80, 0x303E},   {0x3041, 0xA4CF},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},
    {0xF900, 0xFAFF},   {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x16FE0, 0x18DFF},
    {0x1B000, 0x1B2FF}, {0x1F004, 0x1F004}, {0x1F0CF, 0x1F0CF}, {0x1F18E, 0x1F19A}, {0x1F200, 0x1F320},
    {0x1F32D, 0x1F64F}, {0x1F680, 0x1F6FF}, {0x1F7E0, 0x1F7F0}, {0x1F900, 0x1FAFF}, {0x20000, 0x3FFFD}};
// Marks that stand on the character before them.
constexpr Range combining[] = {{0x300, 0x36F}, {0x483, 0x489},   {0x591, 0x5BD},   {0x610, 0x61A},   {0x64B, 0x65F},
                               {0x900, 0x902}, {0x1AB0, 0x1AFF}, {0x1DC0, 0x1DFF}, {0x20D0, 0x20FF}, {0xFE20, 0xFE2F}};

template <std::size_t N>
bool within(const Range (&ranges)[N], char32_t c) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// Takes one character off the front; its columns.
std::size_t take(std::string_view& text) {
  const auto c = take_code_point(text);
  if (!c) return 1;  // a broken byte
  if (within(combining, *c)) return 0;
  return within(wide, *c) ? 2 : 1;
}

}  // namespace

bool is_terminal(int fd) {
  return ::isatty(fd) == 1;
}

std::optional<Size> size_of(int fd) {
  if (!is_terminal(fd)) return std::nullopt;
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return Size{};
  return Size{size.ws_col, size.ws_row};
}

bool moves_cursor() {
  const auto term = environment("TERM");
  return !term.empty() && term != "dumb";
}

Depth colour_depth() {
  if (!environment("NO_COLOR").empty() || !moves_cursor()) return Depth::none;
  const auto colours = environment("COLORTERM");
  if (colours == "truecolor" || colours == "24bit") return Depth::truecolour;
  const auto term = environment("TERM");
  // By name: these have 256 colours at least, though they do not all say COLORTERM.
  if (has(term, "256color") || has(term, "kitty") || has(term, "alacritty") || has(term, "foot") || has(term, "direct"))
    return Depth::palette;
  if (term.substr(0, 2) == "vt") return Depth::none;  // vt100, vt220: no colours
  if (term == "linux" || has(term, "16color")) return Depth::sixteen;
  // Since 1999 every xterm, screen and tmux takes the sixteen.
  for (const auto* name : {"xterm", "screen", "tmux", "rxvt", "konsole", "gnome", "putty", "st", "cygwin", "ansi"})
    if (term.substr(0, std::string_view(name).size()) == name) return Depth::sixteen;
  return Depth::eight;
}

bool speaks_utf8() {
  for (const auto* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const auto value = to_lower_ascii(environment(name));
    if (!value.empty()) return has(value, "utf-8") || has(value, "utf8");
  }
  return moves_cursor();  // nobody said: a container, a fresh system
}

void watch_size() {
  // Once: the handler stays for the life of the process.
  if (wake[0] >= 0 || ::pipe2(wake, O_CLOEXEC | O_NONBLOCK) != 0) return;
  struct sigaction action {};
  action.sa_handler = handle_resize;
  action.sa_flags = SA_RESTART;  // only poll(2) is to notice, never a transfer
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGWINCH, &action, nullptr);
}

int resize_fd() {
  return wake[0];
}

bool take_resize() {
  char bytes[64];
  bool any = false;
  while (wake[0] >= 0 && ::read(wake[0], bytes, sizeof bytes) > 0) any = true;
  return any;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) width += take(text);
  return width;
}

std::string_view front_of_width(std::string_view text, std::size_t columns) {
  std::string_view rest = text;
  std::size_t width = 0;
  while (!rest.empty()) {
    const std::string_view before = rest;
    width += take(rest);
    if (width > columns) return text.substr(0, text.size() - before.size());
  }
  return text;
}

}  // namespace qrx::term
