#include "vision/picture_png.h"

#include <png.h>

#include <csetjmp>
#include <cstring>

#include "vision/alpha_ground.h"

namespace qrx::vision {
namespace {

struct Source {
  ByteView left;
};

void take(png_structp png, png_bytep out, png_size_t size) {
  auto& source = *static_cast<Source*>(png_get_io_ptr(png));
  // libpng has no other way to end a read; this jumps to run().
  if (size > source.left.size()) png_error(png, "cut short");
  std::memcpy(out, source.left.data(), size);
  source.left = source.left.subspan(size);
}

void stop(png_structp png, png_const_charp) {
  png_longjmp(png, 1);
}
void keep_quiet(png_structp, png_const_charp) {}

// What must survive the longjmp lives outside of the function that sets the jump.
struct Reading {
  png_structp png = nullptr;
  png_infop info = nullptr;
  Source source;
  Picture picture;
  std::vector<std::uint8_t> pairs;  // gray and alpha
  std::size_t stride = 0;
  bool has_pixels = false;

  ~Reading() { png_destroy_read_struct(&png, &info, nullptr); }
};

void set_limits(png_structp png) {
  png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);  // within_limit judges
  // Text and colour profiles of a hostile file: 64 chunks of 8 MiB at most.
  png_set_chunk_cache_max(png, 64);
  png_set_chunk_malloc_max(png, 8u << 20);
  // Checksums of a broken download do not matter to a reader that checks what it read itself.
  png_set_crc_action(png, PNG_CRC_WARN_USE, PNG_CRC_WARN_DISCARD);
}

void read_head(Reading& reading, std::uint64_t pixel_limit) {
  png_structp png = reading.png;
  png_set_read_fn(png, &reading.source, take);
  set_limits(png);
  png_read_info(png, reading.info);
  const auto width = png_get_image_width(png, reading.info);
  const auto height = png_get_image_height(png, reading.info);
  if (!within_limit(width, height, pixel_limit)) {
    reading.picture.fault = PictureFault::too_large;
    return;
  }
  png_set_expand(png);
  png_set_strip_16(png);
  // As luma() weighs them; libpng's own weights (BT.709) make blue as dark as black, and more codes unreadable.
  png_set_rgb_to_gray_fixed(png, PNG_ERROR_ACTION_NONE, 29900, 58700);
  png_set_add_alpha(png, 0xFF, PNG_FILLER_AFTER);
  png_set_interlace_handling(png);
  png_read_update_info(png, reading.info);
  reading.stride = png_get_rowbytes(png, reading.info);
  if (reading.stride != 2 * static_cast<std::size_t>(width)) png_error(png, "not gray and alpha");
  reading.picture.gray = Gray(static_cast<int>(width), static_cast<int>(height), 255);
}

// False when libpng gave up; whatever rows came before that are there.
bool run(Reading& reading, std::uint64_t pixel_limit) {
  if (setjmp(png_jmpbuf(reading.png)) != 0) return false;
  read_head(reading, pixel_limit);
  if (reading.picture.fault != PictureFault::none) return true;
  Gray& gray = reading.picture.gray;
  reading.pairs.resize(reading.stride * static_cast<std::size_t>(gray.height));
  // Adam7: each pass writes the rows it has into the whole, so what came first covers all of it coarsely.
  const int passes = png_get_interlace_type(reading.png, reading.info) == PNG_INTERLACE_NONE ? 1 : 7;
  for (int pass = 0; pass < passes; ++pass) {
    for (int y = 0; y < gray.height; ++y) {
      png_read_row(reading.png, reading.pairs.data() + static_cast<std::size_t>(y) * reading.stride, nullptr);
      reading.has_pixels = true;
    }
  }
  return true;
}

}  // namespace

Picture decode_png(ByteView bytes, std::uint64_t pixel_limit) {
  Reading reading;
  reading.picture.format = PictureFormat::png;
  reading.source.left = bytes;
  reading.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, nullptr, stop, keep_quiet);
  if (reading.png) reading.info = png_create_info_struct(reading.png);
  if (!reading.info) throw std::bad_alloc();

  const bool complete = run(reading, pixel_limit);
  Picture picture = std::move(reading.picture);
  if (picture.fault != PictureFault::none) return picture;
  if (!reading.has_pixels) {
    picture.fault = PictureFault::damaged;
    return picture;
  }
  picture.complete = complete;
  AlphaGround alpha;
  alpha.see(reading.pairs.data(), picture.gray.pixels.size());
  const std::uint8_t ground = alpha.ground();
  for (std::size_t i = 0; i < picture.gray.pixels.size(); ++i)
    picture.gray.pixels[i] = AlphaGround::mix(reading.pairs[2 * i], reading.pairs[2 * i + 1], ground);
  return picture;
}

}  // namespace qrx::vision
