#include "unit/catch.h"

#include <png.h>

#include "qr/image.h"
#include "qr/symbol.h"
#include "unit/qr_screen.h"

using namespace qrx;
using namespace qrx::qr;

namespace {

Raster from_png(const std::vector<std::uint8_t>& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()) != 0);
  image.format = PNG_FORMAT_GRAY;
  Raster raster{static_cast<int>(image.width), static_cast<int>(image.height), 0, {}};
  raster.pixels.resize(PNG_IMAGE_SIZE(image));
  REQUIRE(png_image_finish_read(&image, nullptr, raster.pixels.data(), 0, nullptr) != 0);
  return raster;
}

}  // namespace

TEST_CASE("upper case text takes a smaller symbol than lower case") {
  const std::string upper = "HTTP://192.168.100.200:8460/U/ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFGH";
  const std::string lower = "http://192.168.100.200:8460/u/abcdefghijklmnopqrstuvwxyzabcdefgh";
  CHECK(make_symbol(upper)->version() == 3);
  CHECK(make_symbol(lower)->version() == 4);
}

TEST_CASE("error correction is raised only while the symbol stays as small as with L") {
  // Alphanumeric capacities of version 4: L 114, M 90, Q 67, H 50 (ISO/IEC 18004, table 7); version 3-L: 77.
  CHECK(make_symbol(std::string(114, 'A'))->correction() == Correction::low);
  CHECK(make_symbol(std::string(91, 'A'))->correction() == Correction::low);
  CHECK(make_symbol(std::string(90, 'A'))->correction() == Correction::medium);
  CHECK(make_symbol(std::string(78, 'A'))->correction() == Correction::medium);
  CHECK(make_symbol("A")->correction() == Correction::high);
  for (const std::size_t length : {78, 90, 91, 114}) CHECK(make_symbol(std::string(length, 'A'))->version() == 4);
}

TEST_CASE("a text that no symbol holds is refused") {
  CHECK(make_symbol("").error().kind == Kind::usage);
  CHECK(make_symbol(std::string_view("a\0b", 3)).error().kind == Kind::usage);
  CHECK(make_symbol(std::string(2954, 'x')).error().kind == Kind::usage);
  CHECK(make_symbol(std::string(2953, 'x'))->version() == 40);
}

TEST_CASE("outside of the symbol everything is light") {
  const Symbol symbol = make_symbol("A").value();
  CHECK(symbol.dark(0, 0));
  CHECK_FALSE(symbol.dark(-1, 0));
  CHECK_FALSE(symbol.dark(0, symbol.side()));
}

TEST_CASE("a PNG reads back, has the standard's quiet zone and is big enough for a phone") {
  for (const std::size_t length : {1, 60, 150, 300, 1000}) {
    const std::string text(length, 'Q');
    const Symbol symbol = make_symbol(text).value();
    const Raster raster = from_png(to_png(symbol).value());
    CHECK(raster.width >= 600);
    CHECK(raster.width == raster.height);
    CHECK(raster.width % (symbol.side() + 8) == 0);
    CHECK(read_code(raster) == text);
  }
}

TEST_CASE("an inverted PNG is light on dark") {
  Raster raster = from_png(to_png(make_symbol("hello").value(), {4, 5, true}).value());
  CHECK(raster.width == (21 + 8) * 5);
  CHECK(raster.pixels.front() == 0);
  for (auto& pixel : raster.pixels) pixel = static_cast<std::uint8_t>(255 - pixel);
  CHECK(read_code(raster) == "hello");
}

TEST_CASE("an SVG is one path over a light ground, in units of a module") {
  const std::string svg = to_svg(make_symbol("hello").value());
  CHECK(svg.find("viewBox=\"0 0 29 29\"") != std::string::npos);
  CHECK(svg.find("<rect width=\"29\" height=\"29\" fill=\"#fff\"/>") != std::string::npos);
  CHECK(svg.find("M4 4h7v1h-7z") != std::string::npos);
  CHECK(svg.ends_with("\"/>\n</svg>\n"));
}
