#include "vision/watch_report.h"

#include <charconv>
#include <optional>
#include <utility>

#include "base/bytes.h"

namespace qrx::vision {
namespace {

constexpr std::size_t most_line = 16 * 1024;  // a text of 7089 bytes and a view of 96 * 96 pixels are below

struct HintName {
  AimHint hint;
  std::string_view name;
  std::string_view words;
};

constexpr HintName hints[] = {
    {AimHint::none, "none", ""},
    {AimHint::dark, "dark", "too dark: more light"},
    {AimHint::bright, "bright", "too bright"},
    {AimHint::blank, "blank", "nothing to see: is the lens covered?"},
    {AimHint::far, "far", "too small: hold it closer"},
    {AimHint::unsteady, "unsteady", "hold it still, all of it in the picture"},
    {AimHint::other, "other", "this is a different code, not the receiver's"},
};

std::string_view take_word(std::string_view& line) {
  const auto blank = line.find(' ');
  const std::string_view word = line.substr(0, blank);
  line.remove_prefix(blank == std::string_view::npos ? line.size() : blank + 1);
  return word;
}

std::optional<std::uint32_t> take_number(std::string_view& line, std::uint32_t most) {
  const std::string_view word = take_word(line);
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value == 0 || value > most) return std::nullopt;
  return value;
}

std::optional<WatchView> parse_view(std::string_view line) {
  constexpr std::uint32_t longest_frame = 1u << 20;
  WatchView view;
  const std::string_view hint = take_word(line);
  bool known = false;
  for (const HintName& each : hints) {
    if (each.name != hint) continue;
    view.hint = each.hint;
    known = true;
  }
  const auto width = take_number(line, WatchView::most_side);
  const auto height = take_number(line, WatchView::most_side);
  const auto frame_width = take_number(line, longest_frame);
  const auto frame_height = take_number(line, longest_frame);
  auto pixels = from_base64(line);
  if (!known || !width || !height || !frame_width || !frame_height || !pixels) return std::nullopt;
  // The size before all else: whoever draws it trusts it.
  if (pixels->size() != static_cast<std::size_t>(*width) * *height) return std::nullopt;
  view.gray.width = static_cast<int>(*width);
  view.gray.height = static_cast<int>(*height);
  view.gray.pixels = std::move(*pixels);
  view.frame_width = *frame_width;
  view.frame_height = *frame_height;
  return view;
}

tl::unexpected<Error> refuse() {
  return fail(Kind::integrity, "the scan helper gave a malformed answer");
}

}  // namespace

std::string_view words_of(AimHint hint) {
  for (const HintName& each : hints)
    if (each.hint == hint) return each.words;
  return {};
}

std::string format_watch_view(const WatchView& view) {
  std::string_view name = hints[0].name;
  for (const HintName& each : hints)
    if (each.hint == view.hint) name = each.name;
  return "view " + std::string(name) + " " + std::to_string(view.gray.width) + " " + std::to_string(view.gray.height) +
         " " + std::to_string(view.frame_width) + " " + std::to_string(view.frame_height) + " " +
         to_base64(as_bytes(view.gray.pixels)) + "\n";
}

Result<void> WatchReader::take_line(std::string_view line) {
  const std::string_view whole = line;
  const std::string_view word = take_word(line);
  if (word == "view") {
    const auto seen = parse_view(line);
    // Only after the first line: a view is no report.
    if (!seen || lines_.empty()) return refuse();
    if (view) view(*seen);
    return {};
  }
  // Counted as a whole, since views between them are not kept.
  if (lines_.size() + whole.size() + 1 > ScanReport::most_bytes) return refuse();
  lines_ += whole;
  lines_ += '\n';
  if (word != "text") return {};
  const auto bytes = from_base64(line);
  if (!bytes) return refuse();
  if (text) text(std::string(bytes->begin(), bytes->end()));
  return {};
}

Result<void> WatchReader::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const std::string_view more = bytes.substr(0, end);
    // Lines are kept until they are whole: a helper without newlines must not fill our memory.
    if (part_.size() + more.size() > most_line) return refuse();
    part_ += more;
    if (end == std::string_view::npos) return {};
    bytes.remove_prefix(end + 1);
    const std::string line = std::exchange(part_, {});
    if (auto taken = take_line(line); !taken) return taken;
  }
  return {};
}

}  // namespace qrx::vision
