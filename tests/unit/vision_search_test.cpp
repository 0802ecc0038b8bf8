#include "unit/catch.h"

#include <qrencode.h>

#include <algorithm>
#include <memory>

#include "unit/vision_pictures.h"
#include "vision/search.h"
#include "vision/search_codes.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

const std::string link_one = "HTTPS://QRX.EXAMPLE.NET/U/ABCDEFGHIJKLMNOPQRSTUVWXYA";
const std::string link_two = "HTTP://192.168.1.20:8460/U/ZZZZZZZZZZZZZZZZZZZZZZZZZA";
using Texts = std::vector<std::string>;

SearchResult search(const Gray& gray, bool any = false, bool screenshot = false) {
  SearchOptions options;
  options.any = any;
  options.screenshot = screenshot;
  return search_codes(gray, options);
}

}  // namespace

TEST_CASE("a clear code is read by the first step") {
  const SearchResult result = search(code_picture(link_one));
  CHECK(result.texts == Texts{link_one});
  CHECK(result.step == "plain");
}

TEST_CASE("a micro symbol is not read: its checks are too weak for a search that tries so much") {
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> code(
      QRcode_encodeStringMQR("HTTP://A.EXAMPLE", 4, QR_ECLEVEL_L, QR_MODE_8, 1), QRcode_free);
  REQUIRE(code);
  constexpr int quiet_zone = 4, pixels = 4;
  const int side = (code->width + 2 * quiet_zone) * pixels;
  Gray gray(side, side, 255);
  for (int y = 0; y < code->width * pixels; ++y)
    for (int x = 0; x < code->width * pixels; ++x)
      if (code->data[y / pixels * code->width + x / pixels] & 1)
        gray.row(y + quiet_zone * pixels)[x + quiet_zone * pixels] = 0;
  CHECK(search(gray, true).texts.empty());
}

TEST_CASE("a light code on dark ground is read") {
  for (const bool screenshot : {false, true}) {
    const SearchResult result = search(negative(code_picture(link_one)), false, screenshot);
    CHECK(result.texts == Texts{link_one});
    CHECK(result.step == "inverted");
  }
}

TEST_CASE("a code in a mirror is read") {
  for (const char last : std::string("ABCDEFGH")) {
    const std::string text = link_one.substr(0, link_one.size() - 1) + last;
    const SearchResult result = search(mirrored(code_picture(text)));
    CHECK(result.texts == Texts{text});
  }
}

TEST_CASE("a code whose two colours are equally light is read when there are colours") {
  const Gray code = code_picture(link_one);
  // Red 228 and green 116 weigh the same: the gray picture is empty.
  ColourPicture colours;
  colours.width = code.width;
  colours.height = code.height;
  for (const std::uint8_t pixel : code.pixels)
    for (const int channel : {pixel < 128 ? 228 : 0, pixel < 128 ? 0 : 117, 0, 255})
      colours.rgba.push_back(static_cast<std::uint8_t>(channel));
  const Gray gray(code.width, code.height, luma(228, 0, 0));
  SearchOptions options;
  int asked = 0;
  options.colours = [&](int) {
    ++asked;
    return colours;
  };
  CHECK(search_codes(gray, options).texts == Texts{link_one});
  CHECK(asked == 1);
  options.colours = nullptr;
  CHECK(search_codes(gray, options).texts.empty());
  // Gray in colours is no colour, and changes nothing.
  options.colours = [&](int) {
    ColourPicture none = colours;
    std::ranges::fill(none.rgba, std::uint8_t{200});
    return none;
  };
  CHECK(search_codes(gray, options).texts.empty());
}

TEST_CASE("a small code in a large dark picture is read") {
  const Gray code = code_picture(link_one, 2);
  Gray large(3000, 2200, 6);
  for (int y = 0; y < large.height; ++y)
    for (int x = 0; x < large.width; ++x)
      large.row(y)[x] = static_cast<std::uint8_t>(6 + ((x * 7919 + y * 104729) >> 3) % 3);
  for (int y = 0; y < code.height; ++y)
    for (int x = 0; x < code.width; ++x)
      large.row(1500 + y)[500 + x] = static_cast<std::uint8_t>(8 + code.row(y)[x] / 18);
  CHECK(search(large).texts == Texts{link_one});
}

TEST_CASE("a code that is no drop link does not end the search") {
  // The drop link is light on dark: only a later step can read it.
  const Gray both = beside(code_picture("hello"), negative(code_picture(link_one)));
  const SearchResult result = search(both);
  CHECK(result.texts == Texts{link_one, "hello"});
  CHECK(result.step == "inverted");
  CHECK(search(both, true).texts == Texts{"hello"});
}

TEST_CASE("a second drop link is found though the first one was read before it by another step") {
  const auto both = [](const Gray& other) {
    auto texts = search(beside(code_picture(link_one, 6), other)).texts;
    std::ranges::sort(texts);
    return texts == Texts{link_two, link_one};
  };
  CHECK(both(negative(code_picture(link_two, 6))));
  CHECK(both(negative(code_picture(link_two, 4))));
  Gray pale = code_picture(link_two, 5);
  for (auto& pixel : pale.pixels) pixel = static_cast<std::uint8_t>(215 + pixel / 8);
  CHECK(both(pale));
  // The same one twice is one.
  CHECK(search(beside(code_picture(link_one, 6), negative(code_picture(link_one, 5)))).texts == Texts{link_one});
}

TEST_CASE("drop links come first, and two different ones are both told") {
  const Gray three = beside(beside(code_picture("zzz"), code_picture(link_one)), code_picture(link_two));
  Texts texts = search(three).texts;
  REQUIRE(texts.size() == 3);
  CHECK(texts[2] == "zzz");
  CHECK(((texts[0] == link_one && texts[1] == link_two) || (texts[0] == link_two && texts[1] == link_one)));
}

TEST_CASE("the same code twice is one text") {
  CHECK(search(beside(code_picture(link_one), code_picture(link_one, 5))).texts == Texts{link_one});
}

TEST_CASE("where there is no code nothing is found, whatever the size") {
  for (const int size : {1, 2, 7, 40, 300}) {
    Gray gray(size, size, 255);
    for (std::size_t i = 0; i < gray.pixels.size(); ++i)
      gray.pixels[i] = static_cast<std::uint8_t>(i * 2654435761u >> 11);
    CHECK(search(gray).texts.empty());
    CHECK(search(gray, true, true).texts.empty());
  }
  CHECK(search(Gray()).texts.empty());
  CHECK(search(Gray(4000, 1, 0)).texts.empty());
}

TEST_CASE("a spent budget ends the search after the step that spent it") {
  SearchOptions options;
  options.budget = std::chrono::milliseconds(1);
  // Large enough that the first step alone takes more than that; only the second one could read it.
  Gray gray = negative(code_picture(link_one, 24));
  CHECK(search_codes(gray, options).texts.empty());
  options.budget = std::chrono::milliseconds(0);
  CHECK(search_codes(gray, options).texts == Texts{link_one});
}

TEST_CASE("a step that has had its time makes way for the next, and is known") {
  const Gray gray(10, 10, 200);
  SearchOptions options;
  options.budget = std::chrono::milliseconds(0);
  Search search(gray, options);
  search.begin_step("long", std::chrono::milliseconds(1));
  while (!search.done()) continue;
  CHECK(search.cut_short());
  search.begin_step("next", std::chrono::minutes(1));
  CHECK_FALSE(search.done());
  CHECK_FALSE(search.cut_short());
  search.begin_step("with all that is left");
  CHECK_FALSE(search.done());
}
