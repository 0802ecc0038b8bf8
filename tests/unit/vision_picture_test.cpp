#include "unit/catch.h"

#include <cmath>

#include "qr/image.h"
#include "unit/vision_pictures.h"
#include "vision/decode_picture.h"
#include "vision/picture_gif.h"
#include "vision/search_codes.h"

using namespace qrx;
using namespace qrx::qr;
using namespace qrx::vision;

namespace {

ByteView view(const PictureBytes& bytes) {
  return std::as_bytes(std::span(bytes));
}

// A picture without symmetry: any line or column out of place shows.
Gray sample(int width = 37, int height = 23) {
  Gray gray(width, height, 255);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      if ((x * x + 3 * y) % 7 < 3 || (x < 4 && y < 9)) gray.row(y)[x] = 0;
  return gray;
}

Gray steps() {
  Gray gray(64, 40, 0);
  for (int y = 0; y < 40; ++y)
    for (int x = 0; x < 64; ++x) gray.row(y)[x] = static_cast<std::uint8_t>((x / 8) * 30 + (y / 8) * 5);
  return gray;
}

int greatest_difference(const Gray& a, const Gray& b) {
  REQUIRE(a.width == b.width);
  REQUIRE(a.height == b.height);
  int most = 0;
  for (std::size_t i = 0; i < a.pixels.size(); ++i) most = std::max(most, std::abs(a.pixels[i] - b.pixels[i]));
  return most;
}

Picture decoded(const PictureBytes& bytes, PictureFormat format) {
  Picture picture = decode_picture(view(bytes));
  CHECK(picture.format == format);
  CHECK(picture.fault == PictureFault::none);
  CHECK(picture.complete);
  return picture;
}

void put_big_endian(PictureBytes& bytes, std::size_t at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i)
    bytes.at(at + static_cast<std::size_t>(i)) = static_cast<std::uint8_t>(value >> (24 - 8 * i));
}

}  // namespace

TEST_CASE("pictures without loss come back as they were") {
  const Gray gray = sample();
  CHECK(greatest_difference(decoded(png_of(gray), PictureFormat::png).gray, gray) == 0);
  for (const int bits : {1, 4, 8, 16, 24, 32})
    for (const bool top_down : {false, true}) {
      INFO("BMP with " << bits << " bits");
      CHECK(greatest_difference(decoded(bmp_of(gray, bits, top_down), PictureFormat::bmp).gray, gray) == 0);
    }
  for (const bool interlaced : {false, true})  // its dark colour is a blue of luma 13
    CHECK(greatest_difference(decoded(gif_of(gray, interlaced), PictureFormat::gif).gray, gray) <= 13);
}

TEST_CASE("the fourth byte of a BMP is its transparency, unless it is zero everywhere") {
  Gray gray = sample();
  PictureBytes bytes = bmp_of(gray, 32, true);
  for (std::size_t i = 0; i < gray.pixels.size(); ++i) {
    bytes.at(54 + 4 * i + 3) = gray.pixels[i] == 0 ? 255 : 0;
    for (std::size_t c = 0; c < 3; ++c) bytes.at(54 + 4 * i + c) = 0;  // black on nothing
  }
  CHECK(greatest_difference(decoded(bytes, PictureFormat::bmp).gray, gray) == 0);
}

TEST_CASE("a BMP of runs comes back as it was") {
  const Gray gray = sample();
  for (const int bits : {4, 8}) {
    PictureBytes bytes = bmp_of(gray, bits);
    bytes.resize(54 + (4u << bits));
    bytes.at(30) = bits == 8 ? 1 : 2;
    const std::uint8_t light = bits == 8 ? 255 : 15;
    for (int y = gray.height - 1; y >= 0; --y) {
      for (int x = 0; x < gray.width; ++x) {
        const std::uint8_t value = gray.row(y)[x] ? light : 0;
        if (x == 0 && y % 2 == 0) {  // the first three as a literal
          const std::uint8_t next = gray.row(y)[1] ? light : 0, third = gray.row(y)[2] ? light : 0;
          if (bits == 8)
            bytes.insert(bytes.end(), {0, 3, value, next, third, 0});
          else
            bytes.insert(bytes.end(),
                         {0, 3, static_cast<std::uint8_t>(value << 4 | next), static_cast<std::uint8_t>(third << 4)});
          x = 2;
          continue;
        }
        bytes.insert(bytes.end(), {1, static_cast<std::uint8_t>(bits == 8 ? value : value << 4 | value)});
      }
      bytes.insert(bytes.end(), {0, static_cast<std::uint8_t>(y == 0 ? 1 : 0)});
    }
    CHECK(greatest_difference(decoded(bytes, PictureFormat::bmp).gray, gray) == 0);
    bytes.resize(bytes.size() - 40);
    CHECK_FALSE(decode_picture(view(bytes)).complete);
  }
}

TEST_CASE("a code that qrx-recv wrote as SVG is read, other SVG is no picture") {
  const std::string text = "HTTP://192.168.1.20:8460/U/ZZZZZZZZZZZZZZZZZZZZZZZZZA";
  for (const bool invert : {false, true}) {
    ImageOptions options;
    options.invert = invert;
    const std::string svg = to_svg(make_symbol(text).value(), options);
    const Picture picture = decode_picture(as_bytes(svg));
    REQUIRE(picture.fault == PictureFault::none);
    CHECK(picture.format == PictureFormat::svg);
    CHECK(search_codes(picture.gray, {}).texts == std::vector<std::string>{text});
    for (std::size_t size = 0; size + 9 < svg.size(); size += 97)
      CHECK(decode_picture(as_bytes(svg.substr(0, size))).fault == PictureFault::unknown_format);
  }
  for (const char* other :
       {"<svg viewBox=\"0 0 9 9\"><rect fill=\"#fff\"/><path fill=\"#000\" d=\"M8 8h2v1h-2z\"/></svg>",
        "<svg viewBox=\"0 0 99999999999 9\"><rect fill=\"#fff\"/><path fill=\"#000\" d=\"\"/></svg>",
        "<svg viewBox=\"0 0 9 9\"><rect fill=\"#fff\"/><path fill=\"#000\" d=\"M1 1h1v1h-1zL3\"/></svg>"})
    CHECK(decode_picture(as_bytes(std::string_view(other))).fault == PictureFault::unknown_format);
}

TEST_CASE("HEIC and AVIF are known by name, and not read where no library was loaded") {
  using namespace std::string_view_literals;
  for (const auto brand : {"heic"sv, "mif1"sv, "avif"sv})
    CHECK(decode_picture(as_bytes(std::string("\0\0\0\x18"
                                              "ftyp",
                                              8) +
                                  std::string(brand) + "0000"))
              .fault == PictureFault::unread_format);
}

TEST_CASE("each frame of a GIF is seen on top of those before it") {
  const Gray first = sample();
  Gray second = first;
  for (auto& pixel : second.pixels) pixel = static_cast<std::uint8_t>(255 - pixel);
  PictureBytes bytes = gif_of(first);
  const PictureBytes more = gif_of(second);
  REQUIRE(bytes.back() == ';');
  bytes.pop_back();
  bytes.insert(bytes.end(), more.begin() + 13 + (3 << ((more.at(10) & 7) + 1)), more.end());
  std::vector<Gray> seen;
  const auto keep = [&](const Gray& gray) {
    seen.push_back(gray);
    return true;
  };
  each_gif_frame(view(bytes), most_pixels, keep);
  REQUIRE(seen.size() == 2);
  CHECK(greatest_difference(seen[0], first) <= 16);   // of 16 grays
  CHECK(greatest_difference(seen[1], second) <= 16);  // of 16 grays
  for (std::size_t size = 0; size < bytes.size(); size += 7) each_gif_frame(view(bytes).first(size), most_pixels, keep);
  seen.clear();
  each_gif_frame(view(bytes), 20, keep);
  CHECK(seen.empty());
}

TEST_CASE("pictures with loss come back nearly as they were") {
  const Gray gray = steps();
  CHECK(greatest_difference(decoded(jpeg_of(gray), PictureFormat::jpeg).gray, gray) < 12);
  CHECK(greatest_difference(decoded(jpeg_of(gray, true), PictureFormat::jpeg).gray, gray) < 12);
  CHECK(greatest_difference(decoded(jpeg_cmyk_of(gray), PictureFormat::jpeg).gray, gray) < 12);
  // WebP's luma lies between 16 and 235.
  CHECK(greatest_difference(decoded(webp_of(gray, true), PictureFormat::webp).gray, gray) <= 22);
  CHECK(greatest_difference(decoded(webp_of(gray, false), PictureFormat::webp).gray, gray) <= 30);
}

TEST_CASE("what is transparent lies on a ground that shows what is not") {
  const Gray ink = sample();
  const Gray opaque_where_dark = negative(ink);
  const Gray black(ink.width, ink.height, 0);
  const Gray white(ink.width, ink.height, 255);
  CHECK(greatest_difference(decoded(png_with_alpha(black, opaque_where_dark), PictureFormat::png).gray, ink) == 0);
  CHECK(greatest_difference(decoded(png_with_alpha(white, opaque_where_dark), PictureFormat::png).gray,
                            negative(ink)) == 0);
}

TEST_CASE("sizes over the limit are refused before memory is taken") {
  PictureBytes png = png_of(sample());
  put_big_endian(png, 16, 60000);
  put_big_endian(png, 20, 60000);
  CHECK(decode_picture(view(png)).fault == PictureFault::too_large);

  PictureBytes bmp = bmp_of(sample(), 24);
  bmp[20] = 0xFF;  // width + 16,711,680
  CHECK(decode_picture(view(bmp)).fault == PictureFault::too_large);

  for (const auto& bytes :
       {png_of(sample()), jpeg_of(sample()), webp_of(sample(), true), gif_of(sample()), bmp_of(sample(), 8)}) {
    CHECK(decode_picture(view(bytes), 37 * 23).fault == PictureFault::none);
    CHECK(decode_picture(view(bytes), 37 * 23 - 1).fault == PictureFault::too_large);
  }
}

TEST_CASE("a BMP that promises more lines than it holds costs no more than it holds") {
  PictureBytes bmp = bmp_of(sample(), 24);
  bmp[24] = 0x10;  // height + 1,048,576
  bmp[18] = 8;     // eight pixels wide
  const Picture picture = decode_picture(view(bmp));
  CHECK(picture.fault != PictureFault::none);
  bmp[24] = 0x01;  // height + 65,536
  const Picture shorter = decode_picture(view(bmp));
  CHECK_FALSE(shorter.complete);
  CHECK(shorter.gray.height < 200);
}

TEST_CASE("a picture cut short anywhere is told apart, and what came before the cut is kept") {
  for (const auto& bytes : {png_of(sample()), jpeg_of(sample()), jpeg_of(sample(), true), webp_of(sample(), false),
                            webp_of(sample(), true), gif_of(sample()), gif_of(sample(), true), bmp_of(sample(), 4)}) {
    for (std::size_t size = 0; size < bytes.size() - 20; ++size) {
      const Picture picture = decode_picture(view(bytes).first(size));
      if (picture.fault == PictureFault::none) {
        CHECK_FALSE(picture.complete);
        REQUIRE(picture.gray.pixels.size() == static_cast<std::size_t>(picture.gray.width) * picture.gray.height);
      }
    }
  }
}

TEST_CASE("what is no picture is told as such") {
  CHECK(decode_picture({}).fault == PictureFault::unknown_format);
  CHECK(decode_picture(as_bytes(std::string_view("hello"))).fault == PictureFault::unknown_format);
  CHECK(decode_picture(as_bytes(std::string_view("\x89PNG\r\n\x1a\n"))).fault == PictureFault::damaged);
  CHECK(decode_picture(as_bytes(std::string_view("GIF89a"))).fault == PictureFault::damaged);
  CHECK(decode_picture(as_bytes(std::string_view("%PDF-1.4 but not a picture"))).fault == PictureFault::unknown_format);
}

TEST_CASE("bytes changed at random never break a decoder") {
  std::uint32_t state = 1;
  const auto random = [&] { return state = state * 1664525 + 1013904223; };
  for (const auto& original : {png_of(sample()), jpeg_of(sample()), jpeg_of(sample(), true), webp_of(sample(), false),
                               webp_of(sample(), true), gif_of(sample()), bmp_of(sample(), 8), bmp_of(sample(), 16)}) {
    for (int round = 0; round < 300; ++round) {
      PictureBytes bytes = original;
      for (int i = 0; i < 3; ++i) bytes[(random() >> 8) % bytes.size()] = static_cast<std::uint8_t>(random() >> 16);
      const Picture picture = decode_picture(view(bytes), 1'000'000);
      REQUIRE(picture.gray.pixels.size() <= 1'000'000);
    }
  }
}
