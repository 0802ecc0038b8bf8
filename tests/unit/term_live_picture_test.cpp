// A small gray picture in characters.
#include "unit/catch.h"

#include <algorithm>

#include "term/live_picture.h"

using namespace qrx::term;

namespace {

const std::vector<std::uint8_t> ramp = [] {
  std::vector<std::uint8_t> out;
  for (int y = 0; y < 54; ++y)
    for (int x = 0; x < 96; ++x) out.push_back(static_cast<std::uint8_t>(x * 255 / 95));
  return out;
}();
const GrayPixels picture{96, 54, ramp};

std::string all(const std::vector<std::string>& lines) {
  std::string out;
  for (const auto& line : lines) out += line;
  return out;
}

}  // namespace

TEST_CASE("the picture keeps its shape and leaves two rows free") {
  const auto lines = draw_gray(picture, {80, 24}, Depth::palette, true, false);
  CHECK(lines.size() == 20);
  for (const auto& line : lines) CHECK(line.ends_with("\x1b[0m"));
  CHECK(draw_gray(picture, {40, 50}, Depth::palette, true, false).size() == 10);
  CHECK(draw_gray(picture, {200, 8}, Depth::palette, true, false).size() == 5);
}

TEST_CASE("without room, or without a picture, nothing is drawn") {
  CHECK(draw_gray(picture, {10, 24}, Depth::palette, true, false).empty());
  CHECK(draw_gray(picture, {80, 5}, Depth::palette, true, false).empty());
  CHECK(draw_gray({96, 53, ramp}, {80, 24}, Depth::palette, true, false).empty());
  CHECK(draw_gray({0, 0, {}}, {80, 24}, Depth::palette, true, false).empty());
}

TEST_CASE("each depth of colour has its own escapes, and none has none") {
  const auto drawn = [](Depth depth, bool utf8) { return all(draw_gray(picture, {80, 24}, depth, utf8, false)); };
  CHECK(drawn(Depth::truecolour, true).find("38;2;0;0;0") != std::string::npos);
  CHECK(drawn(Depth::palette, true).find("48;5;2") != std::string::npos);
  CHECK(drawn(Depth::sixteen, true).find("97;107") != std::string::npos);
  CHECK(drawn(Depth::eight, true).find("37;47") != std::string::npos);
  for (const Depth depth : {Depth::none, Depth::truecolour}) {
    const std::string plain = drawn(depth, false);
    CHECK(plain.find('\x1b') == std::string::npos);
    CHECK(plain.find('@') != std::string::npos);
    for (const char c : plain) CHECK((c >= ' ' && c < 0x7F));
  }
}

TEST_CASE("mirrored is the other way round") {
  auto plain = draw_gray(picture, {80, 24}, Depth::none, true, false).front();
  const auto mirrored = draw_gray(picture, {80, 24}, Depth::none, true, true).front();
  CHECK(plain.front() == ' ');
  CHECK(plain.back() == '@');
  std::reverse(plain.begin(), plain.end());
  CHECK(mirrored == plain);
}
