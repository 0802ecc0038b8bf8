#include "unit/vision_pictures.h"

#include <cstdio>

#include <gif_lib.h>
#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include <algorithm>
#include <cstdlib>

#include "unit/catch.h"

#include "qr/symbol.h"

namespace qrx::vision {

Gray code_picture(const std::string& text, int module_pixels, int quiet_zone) {
  const qr::Symbol symbol = qr::make_symbol(text).value();
  const int side = (symbol.side() + 2 * quiet_zone) * module_pixels;
  Gray gray(side, side, 255);
  for (int y = 0; y < side; ++y)
    for (int x = 0; x < side; ++x)
      if (symbol.dark(x / module_pixels - quiet_zone, y / module_pixels - quiet_zone)) gray.row(y)[x] = 0;
  return gray;
}

Gray beside(const Gray& left, const Gray& right) {
  Gray out(left.width + right.width, std::max(left.height, right.height), 255);
  for (int y = 0; y < left.height; ++y) std::copy_n(left.row(y), left.width, out.row(y));
  for (int y = 0; y < right.height; ++y) std::copy_n(right.row(y), right.width, out.row(y) + left.width);
  return out;
}

Gray negative(Gray gray) {
  for (auto& pixel : gray.pixels) pixel = static_cast<std::uint8_t>(255 - pixel);
  return gray;
}

Gray mirrored(Gray gray) {
  for (int y = 0; y < gray.height; ++y) std::reverse(gray.row(y), gray.row(y) + gray.width);
  return gray;
}

namespace {

PictureBytes write_png(const Gray& gray, const void* pixels, png_uint_32 format) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(gray.width);
  image.height = static_cast<png_uint_32>(gray.height);
  image.format = format;
  png_alloc_size_t size = 0;
  REQUIRE(png_image_write_to_memory(&image, nullptr, &size, 0, pixels, 0, nullptr));
  PictureBytes out(size);
  REQUIRE(png_image_write_to_memory(&image, out.data(), &size, 0, pixels, 0, nullptr));
  out.resize(size);
  return out;
}

PictureBytes write_jpeg(const Gray& gray, J_COLOR_SPACE space, int components, bool progressive) {
  jpeg_compress_struct jpeg{};
  jpeg_error_mgr errors{};
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  unsigned char* data = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&jpeg, &data, &size);
  jpeg.image_width = static_cast<JDIMENSION>(gray.width);
  jpeg.image_height = static_cast<JDIMENSION>(gray.height);
  jpeg.input_components = components;
  jpeg.in_color_space = space;
  jpeg_set_defaults(&jpeg);
  jpeg_set_quality(&jpeg, 90, TRUE);
  if (progressive) jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  std::vector<std::uint8_t> line(static_cast<std::size_t>(gray.width) * components);
  while (jpeg.next_scanline < jpeg.image_height) {
    const std::uint8_t* row = gray.row(static_cast<int>(jpeg.next_scanline));
    for (int x = 0; x < gray.width; ++x)
      for (int i = 0; i < components; ++i)  // inks: no colour, all in black; Adobe's files are inverted
        line[static_cast<std::size_t>(x) * components + i] = components == 1 || i == 3 ? row[x] : 255;
    JSAMPROW rows[1] = {line.data()};
    jpeg_write_scanlines(&jpeg, rows, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  PictureBytes out(data, data + size);
  std::free(data);
  return out;
}

int append_gif(GifFileType* gif, const GifByteType* data, int size) {
  auto& out = *static_cast<PictureBytes*>(gif->UserData);
  out.insert(out.end(), data, data + size);
  return size;
}

}  // namespace

PictureBytes png_of(const Gray& gray) {
  return write_png(gray, gray.pixels.data(), PNG_FORMAT_GRAY);
}

PictureBytes png_with_alpha(const Gray& gray, const Gray& alpha) {
  PictureBytes rgba;
  for (std::size_t i = 0; i < gray.pixels.size(); ++i) {
    rgba.insert(rgba.end(), 3, gray.pixels[i]);
    rgba.push_back(alpha.pixels[i]);
  }
  return write_png(gray, rgba.data(), PNG_FORMAT_RGBA);
}

PictureBytes jpeg_of(const Gray& gray, bool progressive) {
  return write_jpeg(gray, JCS_GRAYSCALE, 1, progressive);
}
PictureBytes jpeg_cmyk_of(const Gray& gray) {
  return write_jpeg(gray, JCS_CMYK, 4, false);
}

PictureBytes webp_of(const Gray& gray, bool lossless) {
  std::vector<std::uint8_t> rgb;
  for (const std::uint8_t pixel : gray.pixels) rgb.insert(rgb.end(), 3, pixel);
  std::uint8_t* data = nullptr;
  const std::size_t size = lossless ? WebPEncodeLosslessRGB(rgb.data(), gray.width, gray.height, 3 * gray.width, &data)
                                    : WebPEncodeRGB(rgb.data(), gray.width, gray.height, 3 * gray.width, 80, &data);
  REQUIRE(size > 0);
  PictureBytes out(data, data + size);
  WebPFree(data);
  return out;
}

PictureBytes gif_of(const Gray& gray, bool interlaced) {
  PictureBytes out;
  GifFileType* gif = EGifOpen(&out, append_gif, nullptr);
  REQUIRE(gif);
  const GifColorType colours[2] = {{255, 255, 255}, {10, 0, 90}};
  ColorMapObject* map = GifMakeMapObject(2, colours);
  REQUIRE(EGifPutScreenDesc(gif, gray.width, gray.height, 8, 0, map) == GIF_OK);
  REQUIRE(EGifPutImageDesc(gif, 0, 0, gray.width, gray.height, interlaced, nullptr) == GIF_OK);
  const auto put = [&](int y) {
    std::vector<GifByteType> line(static_cast<std::size_t>(gray.width));
    std::transform(gray.row(y), gray.row(y) + gray.width, line.begin(), [](int pixel) { return pixel < 128 ? 1 : 0; });
    REQUIRE(EGifPutLine(gif, line.data(), gray.width) == GIF_OK);
  };
  constexpr int passes[4][2] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}};
  for (int pass = 0; pass < (interlaced ? 4 : 1); ++pass)
    for (int y = interlaced ? passes[pass][0] : 0; y < gray.height; y += interlaced ? passes[pass][1] : 1) put(y);
  GifFreeMapObject(map);
  REQUIRE(EGifCloseFile(gif, nullptr) == GIF_OK);
  return out;
}

PictureBytes bmp_of(const Gray& gray, int bits, bool top_down) {
  PictureBytes out;
  const auto put = [&](std::uint32_t value, int width) {
    for (int i = 0; i < width; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
  };
  const std::uint32_t colours = bits <= 8 ? 1u << bits : 0;
  const std::uint32_t stride = (static_cast<std::uint32_t>(gray.width * bits) + 31) / 32 * 4;
  const std::uint32_t start = 54 + 4 * colours;
  out = {'B', 'M'};
  put(start + stride * static_cast<std::uint32_t>(gray.height), 4);
  put(0, 4);
  put(start, 4);
  put(40, 4);
  put(static_cast<std::uint32_t>(gray.width), 4);
  put(static_cast<std::uint32_t>(top_down ? -gray.height : gray.height), 4);
  put(1, 2);
  put(static_cast<std::uint32_t>(bits), 2);
  for (int i = 0; i < 6; ++i) put(0, 4);
  for (std::uint32_t i = 0; i < colours; ++i) put(i * 255 / (colours - 1) * 0x010101, 4);
  for (int i = 0; i < gray.height; ++i) {
    const std::uint8_t* row = gray.row(top_down ? i : gray.height - 1 - i);
    const std::size_t end = out.size() + stride;
    std::uint32_t bucket = 0;
    int held = 0;
    for (int x = 0; x < gray.width; ++x) {
      if (bits == 16) put(static_cast<std::uint32_t>(row[x] >> 3) * 0x421, 2);
      if (bits >= 24) put(row[x] * 0x010101u, bits / 8);
      if (bits > 8) continue;
      bucket = bucket << bits | row[x] >> (8 - bits);
      held += bits;
      if (held == 8) {
        put(bucket, 1);
        bucket = 0;
        held = 0;
      }
    }
    if (held > 0) put(bucket << (8 - held), 1);
    out.resize(end);
  }
  return out;
}

}  // namespace qrx::vision
