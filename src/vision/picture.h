// The bytes of a picture file to gray pixels: PNG, JPEG, WebP, GIF, BMP, and SVG as
// qrx-recv writes it, by content.
// Hostile input: sizes are checked before memory is taken. Runs in the sandboxed helper.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

#include "base/bytes.h"
#include "vision/gray.h"

namespace qrx {

// heif: HEIC or AVIF, which are known and not read.
enum class PictureFormat : std::uint8_t { unknown, png, jpeg, webp, gif, bmp, svg, heif };

enum class PictureFault : std::uint8_t {
  none,
  unknown_format,
  unread_format,  // heif
  damaged,        // nothing could be decoded
  too_large,      // over the limit of pixels
};

struct Picture {
  PictureFault fault = PictureFault::none;
  PictureFormat format = PictureFormat::unknown;
  Gray gray;             // transparent parts lie on white, or on black where all that is opaque is light
  bool complete = true;  // false: the file is cut short or broken behind what was decoded; the rest is one colour
};

inline constexpr std::uint64_t most_pixels = 100'000'000;

PictureFormat picture_format(ByteView bytes);

// Throws std::bad_alloc only.
Picture decode_picture(ByteView bytes, std::uint64_t pixel_limit = most_pixels);

// True when a picture of this size may be decoded.
bool within_limit(std::uint64_t width, std::uint64_t height, std::uint64_t pixel_limit);

// Puts a picture with an alpha channel on a ground. pairs: gray and alpha of each pixel, one after the other.
class AlphaGround {
 public:
  void see(const std::uint8_t* pairs, std::size_t count);  // first all pixels, to choose the ground
  std::uint8_t ground() const;
  static std::uint8_t mix(std::uint8_t gray, std::uint8_t alpha, std::uint8_t ground) {
    return static_cast<std::uint8_t>((gray * alpha + ground * (255 - alpha) + 127) / 255);
  }

 private:
  std::uint64_t light_ = 0;
  std::uint64_t weight_ = 0;
};

// One decoder a format; the magic was checked. rgba: also gets the picture in colours, four bytes a pixel.
Picture decode_png(ByteView bytes, std::uint64_t pixel_limit);
Picture decode_jpeg(ByteView bytes, std::uint64_t pixel_limit);
Picture decode_webp(ByteView bytes, std::uint64_t pixel_limit);
Picture decode_svg(ByteView bytes, std::uint64_t pixel_limit);
Picture decode_gif(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba = nullptr);
// Each frame on top of those before it, from the first; until it says false, or the file ends or is broken.
void each_gif_frame(ByteView bytes, std::uint64_t pixel_limit, const std::function<bool(const Gray&)>& see);
Picture decode_bmp(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba = nullptr);

}  // namespace qrx
