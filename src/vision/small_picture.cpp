#include "vision/small_picture.h"

#include <sys/mman.h>
#include <unistd.h>

#include <charconv>
#include <optional>

#include "base/bytes.h"
#include "base/unique_fd.h"
#include "process/find_program.h"
#include "process/run_program.h"
#include "vision/scan_client.h"

namespace qrx::vision {
namespace {

constexpr std::string_view word = "qrx-pixels 1 ";
// Address space. A picture of most_shown_pixels as four bytes, and the libraries.
constexpr std::uint64_t decoder_memory = 1024ull << 20;
constexpr std::uint64_t decoder_seconds = 8;
constexpr std::uint64_t drawer_memory = 1024ull << 20;
constexpr std::uint64_t drawer_seconds = 8;
constexpr std::size_t most_drawn = 24u << 20;

// All that the program writes, or nothing when it fails, writes too much or takes too long.
std::optional<std::string> output_of(const process::Program& program) {
  auto ran = process::run(program);
  if (!ran || ran->how != process::Ran::How::to_its_end || !ran->ended.well()) return std::nullopt;
  return std::move(ran->output);
}

std::optional<int> take_side(std::string_view& bytes, char end) {
  const auto stop = bytes.find(end);
  // find() gives npos when it is not there, which is more than 4, too.
  if (stop > 4) return std::nullopt;  // four digits, and that it is there
  int value = 0;
  const auto [at, error] = std::from_chars(bytes.data(), bytes.data() + stop, value);
  if (error != std::errc() || at != bytes.data() + stop) return std::nullopt;
  bytes.remove_prefix(stop + 1);
  if (value < 1 || value > SmallPicture::longest_side) return std::nullopt;
  return value;
}

}  // namespace

std::string format_small_picture(const SmallPicture& picture) {
  std::string out(word);
  out += std::to_string(picture.width) + " " + std::to_string(picture.height) + "\n";
  return out.append(reinterpret_cast<const char*>(picture.rgba.data()), picture.rgba.size());
}

Result<SmallPicture> parse_small_picture(std::string_view bytes) {
  SmallPicture picture;
  if (bytes.starts_with(word)) {
    bytes.remove_prefix(word.size());
    const auto width = take_side(bytes, ' ');
    const auto height = width ? take_side(bytes, '\n') : std::nullopt;
    if (height && bytes.size() == 4 * static_cast<std::size_t>(*width) * static_cast<std::size_t>(*height)) {
      picture.width = *width;
      picture.height = *height;
      picture.rgba.assign(bytes.begin(), bytes.end());
      return picture;
    }
  }
  return fail(Kind::integrity, "the helper gave a malformed picture");
}

Result<SmallPicture> small_picture_of(int file, int width, int height, std::chrono::milliseconds timeout) {
  const auto helper = find_scan_helper();
  if (!helper) return tl::unexpected(helper.error());
  process::Program program;
  program.plan.path = *helper;
  program.plan.arguments = {"qrx-scan", "show", std::to_string(width), std::to_string(height)};
  program.plan.environment = scan_environment();
  program.plan.in = file;
  program.plan.in_root = true;
  process::Limits& limits = program.plan.limits.emplace();
  limits.memory_bytes = decoder_memory;
  limits.cpu_seconds = decoder_seconds;
  program.most_output = 64 + 4 * static_cast<std::size_t>(width) * static_cast<std::size_t>(height);
  program.limit = timeout;
  program.lingering = helper_lingers;
  const auto bytes = output_of(program);
  if (!bytes || bytes->empty()) return fail(Kind::unsupported, "no picture that can be shown");
  auto picture = parse_small_picture(*bytes);
  // A helper that was taken over could say anything: its picture must fit what was asked for.
  if (picture && (picture->width > width || picture->height > height))
    return fail(Kind::integrity, "the helper gave a malformed picture");
  return picture;
}

Result<std::string> drawn_for_terminal(const SmallPicture& picture, const ShowPlan& show) {
  const auto helper = process::find_own_program("qrx-show");
  if (!helper) return tl::unexpected(helper.error());
  // A pipe would have to be written and read at once.
  const UniqueFd pixels(memfd_create("pixels", MFD_CLOEXEC));
  const std::string bytes = format_small_picture(picture);
  if (!pixels || ::write(pixels.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
      lseek(pixels.get(), 0, SEEK_SET) != 0)
    return fail_errno("cannot hold the picture in memory");
  constexpr const char* names[] = {"symbols", "sixel", "kitty", "iterm2"};
  process::Program program;
  program.plan.path = *helper;
  program.plan.arguments = {"qrx-show", names[static_cast<int>(show.as)]};
  for (const int number : {show.colours, show.utf8 ? 1 : 0, show.columns, show.rows, show.cell_width, show.cell_height})
    program.plan.arguments.push_back(std::to_string(number));
  program.plan.environment = {"LC_ALL=C.UTF-8"};
  program.plan.in = pixels.get();
  program.plan.in_root = true;
  process::Limits& limits = program.plan.limits.emplace();
  limits.memory_bytes = drawer_memory;
  limits.cpu_seconds = drawer_seconds;
  limits.starts_others = true;  // threads of glib
  program.most_output = most_drawn;
  program.limit = std::chrono::seconds(8);
  program.lingering = helper_lingers;
  auto drawn = output_of(program);
  if (!drawn) return fail(Kind::other, "the picture could not be drawn");
  return std::move(*drawn);
}

}  // namespace qrx::vision
