#include "vision/picture_svg.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace qrx::vision {
namespace {

constexpr int most_modules = 400;  // a side: version 40 has 177, the rest is border
constexpr int module_pixels = 8;

class Text {
 public:
  explicit Text(std::string_view text) : left_(text) {}
  bool skip_past(std::string_view word) {
    const auto at = left_.find(word);
    if (at == std::string_view::npos) return false;
    left_.remove_prefix(at + word.size());
    return true;
  }
  bool take(std::string_view word) {
    if (!left_.starts_with(word)) return false;
    left_.remove_prefix(word.size());
    return true;
  }
  // 0 to most_modules, or nothing.
  std::optional<int> number() {
    int value = -1;
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value);
    if (error != std::errc() || value < 0 || value > most_modules) return std::nullopt;
    left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
    return value;
  }

 private:
  std::string_view left_;
};

// Black and white only.
std::optional<std::uint8_t> colour(Text& text) {
  if (!text.skip_past("fill=\"#")) return std::nullopt;
  if (text.take("000\"")) return std::uint8_t{0};
  if (text.take("fff\"")) return std::uint8_t{255};
  return std::nullopt;
}

// One run of modules, drawn; false when it is none, or not inside of the picture.
bool draw_run(Text& text, Gray& gray, std::uint8_t ink) {
  const auto x = text.take("M") ? text.number() : std::nullopt;
  const auto y = x && text.take(" ") ? text.number() : std::nullopt;
  const auto length = y && text.take("h") ? text.number() : std::nullopt;
  const auto back = length && text.take("v1h-") ? text.number() : std::nullopt;
  if (!back || *back != *length || !text.take("z")) return false;
  const int side = gray.width / module_pixels;
  if (*length < 1 || *x + *length > side || *y >= side) return false;
  for (int row = *y * module_pixels; row < (*y + 1) * module_pixels; ++row)
    std::fill_n(gray.row(row) + *x * module_pixels, *length * module_pixels, ink);
  return true;
}

}  // namespace

Picture decode_svg(ByteView bytes, std::uint64_t pixel_limit) {
  Picture picture;
  picture.format = PictureFormat::svg;
  picture.fault = PictureFault::unknown_format;
  Text text(as_text(bytes));
  const auto side = text.skip_past("viewBox=\"0 0 ") ? text.number() : std::nullopt;
  if (!side || *side < 1 || !text.skip_past("<rect ")) return picture;
  const auto pixels = static_cast<std::uint64_t>(*side * module_pixels);
  if (!within_limit(pixels, pixels, pixel_limit)) {
    picture.fault = PictureFault::too_large;
    return picture;
  }
  const auto ground = colour(text);
  if (!ground || !text.skip_past("<path ")) return picture;
  const auto ink = colour(text);
  if (!ink || !text.take(" d=\"")) return picture;
  picture.gray = Gray(static_cast<int>(pixels), static_cast<int>(pixels), *ground);
  while (!text.take("\""))
    if (!draw_run(text, picture.gray, *ink)) {
      picture.gray = Gray();
      return picture;
    }
  picture.fault = PictureFault::none;
  return picture;
}

}  // namespace qrx::vision
