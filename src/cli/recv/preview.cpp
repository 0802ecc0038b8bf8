#include "cli/recv/preview.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/bytes.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "term/pictures.h"
#include "term/terminal.h"
#include "vision/scan_client.h"
#include "vision/small_picture.h"
#include "wire/sniff.h"

namespace qrx::cli {
namespace {

// More would push everything else off the screen; a file that is shown costs a helper, too.
constexpr int most_a_delivery = 10;
constexpr int most_picture_rows = 30;
constexpr int text_lines = 5;
constexpr std::uint64_t most_text_bytes = 1u << 20;  // of a file; of a longer text the beginning says little

bool is_picture(std::string_view type) {
  for (const std::string_view known : {"image/png", "image/jpeg", "image/gif", "image/webp", "image/bmp"})
    if (type == known) return true;
  return false;
}

int colours_of(term::Depth depth) {
  switch (depth) {
    case term::Depth::none:
      return 0;
    case term::Depth::eight:
      return 8;
    case term::Depth::sixteen:
      return 16;
    case term::Depth::palette:
      return 256;
    case term::Depth::truecolour:
      return 1 << 24;
  }
  return 0;
}

vision::ShowPlan plan_for(int fd) {
  vision::ShowPlan plan;
  const auto form = term::picture_form(fd);
  plan.as = form == term::PictureForm::kitty    ? vision::ShownAs::kitty
            : form == term::PictureForm::sixel  ? vision::ShownAs::sixel
            : form == term::PictureForm::iterm2 ? vision::ShownAs::iterm2
                                                : vision::ShownAs::symbols;
  if (form != term::PictureForm::none) plan.colours = colours_of(term::colour_depth());
  plan.utf8 = term::speaks_utf8();
  const auto size = term::size_of(fd).value_or(term::Size{});
  const auto cell = term::cell_size(fd);
  plan.columns = std::max(1, size.columns - 1);
  plan.rows = std::clamp(size.rows - 4, 1, most_picture_rows);
  plan.cell_width = cell.width;
  plan.cell_height = cell.height;
  return plan;
}

std::string picture(int file) {
  vision::ShowPlan plan = plan_for(STDERR_FILENO);
  // In pixels of the terminal: what is larger would be thrown away.
  const int width = std::min(plan.columns * plan.cell_width, vision::SmallPicture::longest_side);
  const int height = std::min(plan.rows * plan.cell_height, vision::SmallPicture::longest_side);
  const auto small = vision::small_picture_of(file, width, height);
  if (!small) return {};
  const auto drawn = vision::drawn_for_terminal(*small, plan);
  return drawn && !drawn->empty() ? *drawn + "\n" : std::string();
}

// The first lines, each cut to the window; control characters can be seen and do nothing.
std::string text(std::string_view beginning, bool whole) {
  const auto size = term::size_of(STDERR_FILENO).value_or(term::Size{});
  const auto columns = static_cast<std::size_t>(std::clamp(size.columns - 4, 20, 200));
  const std::string_view margin = term::speaks_utf8() ? "  │ " : "  | ";
  std::string out;
  for (int line = 0; line < text_lines && !beginning.empty(); ++line) {
    const auto end = beginning.find('\n');
    std::string_view raw = beginning.substr(0, end);
    beginning.remove_prefix(end == std::string_view::npos ? beginning.size() : end + 1);
    if (raw.ends_with('\r')) raw.remove_suffix(1);
    std::string tabless;
    for (const char c : raw.substr(0, 4 * columns)) tabless += c == '\t' ? std::string("    ") : std::string(1, c);
    // The cut may have gone through a character.
    for (int cut = 0; cut < 3 && raw.size() > 4 * columns && !is_valid_utf8(tabless) && !tabless.empty(); ++cut)
      tabless.pop_back();
    const std::string shown = escape_untrusted(tabless);
    out += std::string(margin) + std::string(term::front_of_width(shown, columns)) + "\n";
  }
  if (!beginning.empty() || !whole) out += std::string(margin) + (term::speaks_utf8() ? "…" : "...") + "\n";
  return out;
}

}  // namespace

Result<PreviewWhen> preview_when(std::string_view text) {
  if (text == "auto") return PreviewWhen::automatic;
  if (text == "never") return PreviewWhen::never;
  if (text == "always") return PreviewWhen::always;
  return fail(Kind::usage, "'" + escape_untrusted(text) + "' is not one of auto, never, always");
}

bool Preview::shows() const {
  // Asked once: for each of thousands of files it would be a system call.
  static const bool to_terminal = term::is_terminal(STDERR_FILENO);
  if (when_ == PreviewWhen::automatic && !to_terminal) return false;
  if (when_ == PreviewWhen::automatic) return term::picture_form(STDERR_FILENO) != term::PictureForm::none;
  return when_ == PreviewWhen::always;
}

bool Preview::may_show(std::string_view type, std::uint64_t size, bool sealed) const {
  // Of a sealed file the type is only known when it is open.
  if (!shows() || size == 0 || size > vision::most_picture_bytes) return false;
  return sealed || is_picture(type) || (type.starts_with("text/plain") && size <= most_text_bytes);
}

std::string Preview::of_path(const std::string& path) {
  if (!shows() || shown_ >= most_a_delivery) return {};
  // What lies there was ours a moment ago; it may be a pipe by now.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW));
  return file ? of(file.get()) : std::string();
}

std::string Preview::of_descriptor(int file) {
  if (!shows() || shown_ >= most_a_delivery) return {};
  // Anew, for reading only, and with an offset of its own.
  // The descriptor is the receiver's: its offset must not move.
  const UniqueFd own(::open(("/proc/self/fd/" + std::to_string(file)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  return own ? of(own.get()) : std::string();
}

std::string Preview::of(int file) {
  struct stat to_stdout {};
  if (::fstat(file, &to_stdout) != 0 || !S_ISREG(to_stdout.st_mode) || to_stdout.st_size <= 0) return {};
  const auto size = static_cast<std::uint64_t>(to_stdout.st_size);
  std::array<char, 8192> buffer;
  const ssize_t got = ::pread(file, buffer.data(), buffer.size(), 0);
  if (got <= 0) return {};
  const std::string_view beginning(buffer.data(), static_cast<std::size_t>(got));
  const bool whole = beginning.size() == size;
  // By its bytes, not by its name or by what the server said.
  const auto type = wire::sniff(as_bytes(beginning), whole).type;
  if (!may_show(type, size, false)) return {};
  std::string out = is_picture(type) ? picture(file) : text(beginning, whole);
  if (!out.empty()) ++shown_;
  return out;
}

}  // namespace qrx::cli
