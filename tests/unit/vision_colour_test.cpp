// Pictures in colours for the terminal: every format, every orientation, and the form between the helpers.
#include "unit/catch.h"

#include "base/bytes.h"
#include "unit/vision_pictures.h"
#include "vision/colour.h"

using namespace qrx;
using namespace qrx::vision;

namespace {

ByteView view(const PictureBytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

// 64x32: the upper left quarter is dark, all else light.
Gray corner() {
  Gray gray(64, 32, 220);
  for (int y = 0; y < 16; ++y)
    for (int x = 0; x < 32; ++x) gray.row(y)[x] = 30;
  return gray;
}

bool dark(const SmallPicture& picture, bool right, bool bottom) {
  const int x = picture.width / 4 + (right ? picture.width / 2 : 0),
            y = picture.height / 4 + (bottom ? picture.height / 2 : 0);
  return picture.rgba[4 * static_cast<std::size_t>(y * picture.width + x)] < 128;
}

// A JPEG with an EXIF block that says how it is turned.
PictureBytes turned(int orientation, bool little) {
  PictureBytes jpeg = jpeg_of(corner());
  PictureBytes exif = {'E', 'x', 'i', 'f', 0, 0};
  const auto number = [&](unsigned value, int size) {
    for (int i = 0; i < size; ++i) exif.push_back(static_cast<std::uint8_t>(value >> 8 * (little ? i : size - 1 - i)));
  };
  exif.insert(exif.end(), 2, little ? 'I' : 'M');
  number(42, 2);
  number(8, 4);
  number(1, 2);       // one entry
  number(0x0112, 2);  // orientation
  number(3, 2);       // a short
  number(1, 4);
  number(static_cast<unsigned>(orientation), 2);
  number(0, 2);
  number(0, 4);
  const auto size = exif.size() + 2;
  PictureBytes marker = {0xFF, 0xE1, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)};
  marker.insert(marker.end(), exif.begin(), exif.end());
  jpeg.insert(jpeg.begin() + 2, marker.begin(), marker.end());
  return jpeg;
}

}  // namespace

TEST_CASE("every format becomes a small picture of the same shape") {
  const Gray gray = corner();
  for (const auto& bytes :
       {png_of(gray), jpeg_of(gray), jpeg_of(gray, true), jpeg_cmyk_of(gray), webp_of(gray, true), webp_of(gray, false),
        gif_of(gray), gif_of(gray, true), bmp_of(gray, 8), bmp_of(gray, 24), bmp_of(gray, 32, true)}) {
    const auto small = decode_small(view(bytes), 32, 32);
    REQUIRE(small);
    CHECK(small->width == 32);
    CHECK(small->height == 16);
    CHECK(dark(*small, false, false));
    CHECK_FALSE(dark(*small, true, false));
    CHECK_FALSE(dark(*small, false, true));
    CHECK(small->rgba[3] == 255);
  }
}

TEST_CASE("small pictures are not enlarged, and nothing becomes nothing") {
  const auto small = decode_small(view(png_of(Gray(3, 2, 9))), 200, 100);
  REQUIRE(small);
  CHECK(small->width == 3);
  CHECK(small->height == 2);
  const auto thin = decode_small(view(png_of(Gray(500, 1, 9))), 10, 10);
  REQUIRE(thin);
  CHECK(thin->width == 10);
  CHECK(thin->height == 1);
}

TEST_CASE("what is transparent stays transparent") {
  const auto small = decode_small(view(png_with_alpha(Gray(8, 8, 200), Gray(8, 8, 0))), 4, 4);
  REQUIRE(small);
  CHECK(small->rgba[3] == 0);
}

TEST_CASE("photographs are turned as the camera was held") {
  // Where the dark corner is after turning: right, bottom.
  const bool expected[9][2] = {
      {},           {false, false}, {true, false}, {true, true}, {false, true}, {false, false}, {true, false},
      {true, true}, {false, true}};
  for (int orientation = 1; orientation <= 8; ++orientation)
    for (const bool little : {true, false}) {
      const auto small = decode_small(view(turned(orientation, little)), 64, 64);
      REQUIRE(small);
      CAPTURE(orientation);
      CHECK(small->width == (orientation >= 5 ? 32 : 64));
      CHECK(small->height == (orientation >= 5 ? 64 : 32));
      CHECK(dark(*small, expected[orientation][0], expected[orientation][1]));
    }
  CHECK(decode_small(view(turned(77, true)), 64, 64)->width == 64);
}

TEST_CASE("broken pictures and those with too many pixels show nothing") {
  const PictureBytes png = png_of(corner());
  CHECK_FALSE(decode_small({}, 10, 10));
  CHECK_FALSE(decode_small(as_bytes(std::string_view("no picture")), 10, 10));
  CHECK_FALSE(decode_small(view(png).first(40), 10, 10));
  PictureBytes huge = png;
  huge[16] = huge[20] = 0x01;  // sixteen million pixels a side
  CHECK_FALSE(decode_small(view(huge), 10, 10));
  const PictureBytes jpeg = jpeg_of(corner());
  for (std::size_t size = 0; size < jpeg.size(); ++size) (void)decode_small(view(jpeg).first(size), 10, 10);
}

TEST_CASE("the form between the helpers is exact") {
  SmallPicture picture{2, 1, {1, 2, 3, 4, 5, 6, 7, 8}};
  const std::string text = format_small_picture(picture);
  const auto again = parse_small_picture(text);
  REQUIRE(again);
  CHECK(again->width == 2);
  CHECK(again->rgba == picture.rgba);
  for (std::size_t size = 0; size < text.size(); ++size) CHECK_FALSE(parse_small_picture(text.substr(0, size)));
  CHECK_FALSE(parse_small_picture(text + "x"));
  for (const char* bad :
       {"qrx-pixels 1 0 1\n", "qrx-pixels 1 1 0\n", "qrx-pixels 1 -1 1\nxxxx", "qrx-pixels 1 99999 1\n",
        "qrx-pixels 2 1 1\nxxxx", "qrx-pixels 1 01x1\nxxxx", "qrx-pixels 1  1\nxxxx"})
    CHECK_FALSE(parse_small_picture(bad));
}
