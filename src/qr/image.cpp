#include "qr/image.h"

#include <fmt/format.h>

#include <png.h>

#include <algorithm>
#include <csetjmp>

namespace qrx::qr {
namespace {

// 600 pixels: a phone's screen, and sharp on paper at 300 dpi (5 cm).
constexpr int least_side = 600;
constexpr int least_module = 8;
constexpr png_uint_32 dots_per_metre = 11811;  // 300 dpi

void append(png_structp png, png_bytep data, png_size_t size) {
  auto& out = *static_cast<std::vector<std::uint8_t>*>(png_get_io_ptr(png));
  out.insert(out.end(), data, data + size);
}

void flush_nothing(png_structp) {}

// libpng must not return from an error handler.
void stop(png_structp png, png_const_charp) {
  png_longjmp(png, 1);
}

void keep_quiet(png_structp, png_const_charp) {}

// No object with a destructor may live in here: libpng leaves by longjmp.
bool write_png(const std::uint8_t* pixels, std::size_t stride, int side, std::vector<std::uint8_t>& out) {
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, stop, keep_quiet);
  png_infop info = png ? png_create_info_struct(png) : nullptr;
  if (!info || setjmp(png_jmpbuf(png)) != 0) {
    png_destroy_write_struct(&png, &info);
    return false;
  }
  png_set_write_fn(png, &out, append, flush_nothing);
  const auto size = static_cast<png_uint_32>(side);
  png_set_IHDR(png, info, size, size, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_set_pHYs(png, info, dots_per_metre, dots_per_metre, PNG_RESOLUTION_METER);
  png_write_info(png, info);
  for (int y = 0; y < side; ++y) png_write_row(png, pixels + static_cast<std::size_t>(y) * stride);
  png_write_end(png, nullptr);
  png_destroy_write_struct(&png, &info);
  return true;
}

}  // namespace

Result<std::vector<std::uint8_t>> to_png(const Symbol& symbol, const ImageOptions& options) {
  const int modules = symbol.side() + 2 * options.quiet_zone;
  // Whole pixels a module: scaled modules of unequal width are hard to read.
  const int scale =
      options.module_pixels > 0 ? options.module_pixels : std::max(least_module, (least_side + modules - 1) / modules);
  const int side = modules * scale;
  const std::size_t stride = (static_cast<std::size_t>(side) + 7) / 8;
  std::vector<std::uint8_t> pixels(stride * side);
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      const bool dark = symbol.dark(x / scale - options.quiet_zone, y / scale - options.quiet_zone) != options.invert;
      // 1 is light in a gray picture of one bit.
      if (!dark) pixels[y * stride + x / 8] |= static_cast<std::uint8_t>(0x80 >> (x % 8));
    }
  }
  std::vector<std::uint8_t> out;
  if (!write_png(pixels.data(), stride, side, out)) return fail(Kind::other, "cannot write the QR code as PNG");
  return out;
}

std::string to_svg(const Symbol& symbol, const ImageOptions& options) {
  const int quiet = options.quiet_zone;
  std::string out = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"60mm\" height=\"60mm\" viewBox=\"0 0 {0} {0}\" "
      "shape-rendering=\"crispEdges\">\n<rect width=\"{0}\" height=\"{0}\" fill=\"{1}\"/>\n<path fill=\"{2}\" d=\"",
      symbol.side() + 2 * quiet, options.invert ? "#000" : "#fff", options.invert ? "#fff" : "#000");
  for (int y = 0; y < symbol.side(); ++y) {
    for (int x = 0; x < symbol.side(); ++x) {
      if (!symbol.dark(x, y)) continue;
      const int from = x;
      // A run of dark modules is one rectangle: a file of a third of the size, and no seams within it.
      while (symbol.dark(x + 1, y)) ++x;
      out += fmt::format("M{} {}h{}v1h-{}z", from + quiet, y + quiet, x + 1 - from, x + 1 - from);
    }
  }
  return out + "\"/>\n</svg>\n";
}

}  // namespace qrx::qr
