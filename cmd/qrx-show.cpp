// qrx-show FORM COLOURS UTF8 COLUMNS ROWS CELL_WIDTH CELL_HEIGHT: the private helper that draws a picture for a
// terminal.
//
// Started by drawn_for_terminal (src/vision/small_picture.h), which says what the words mean. Its stdin are pixels that
// were decoded elsewhere, never a picture file, so what it writes to a terminal was made here and cannot come from a
// stranger.
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <string>
#include <vector>

#include "base/write_all.h"
#include "vision/drawing.h"
#include "vision/small_picture.h"

namespace {

using namespace qrx;
using namespace qrx::vision;

bool read_all(std::string& out) {
  constexpr std::size_t step = 1 << 18;
  constexpr std::size_t most = 64 + 4ull * SmallPicture::longest_side * SmallPicture::longest_side;
  for (;;) {
    const std::size_t size = out.size();
    out.resize(size + step);
    const ssize_t got = ::read(0, out.data() + size, step);
    out.resize(size + static_cast<std::size_t>(got > 0 ? got : 0));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0 || out.size() > most) return got == 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  if (words.size() != 7) return 2;
  ShowPlan plan;
  constexpr std::string_view forms[] = {"symbols", "sixel", "kitty", "iterm2"};
  for (int i = 0; i < 4; ++i)
    if (words[0] == forms[i]) plan.as = static_cast<ShownAs>(i);
  int numbers[6];
  for (std::size_t i = 0; i < 6; ++i) {
    const std::string_view word = words[i + 1];
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), numbers[i]);
    if (error != std::errc() || end != word.data() + word.size() || numbers[i] < 0) return 2;
  }
  plan.colours = numbers[0];
  plan.utf8 = numbers[1] != 0;
  plan.columns = numbers[2];
  plan.rows = numbers[3];
  plan.cell_width = numbers[4];
  plan.cell_height = numbers[5];
  std::string bytes;
  if (!read_all(bytes)) return 1;
  const auto picture = parse_small_picture(bytes);
  if (!picture) return 1;
  return write_all(STDOUT_FILENO, draw_picture(*picture, plan)) ? 0 : 1;
}
