#include "vision/picture.h"

namespace qrx {
namespace {

bool begins(ByteView bytes, std::string_view magic, std::size_t offset = 0) {
  return bytes.size() >= offset + magic.size() && as_text(bytes.subspan(offset, magic.size())) == magic;
}

}  // namespace

PictureFormat picture_format(ByteView bytes) {
  using namespace std::string_view_literals;
  if (begins(bytes, "\x89PNG\r\n\x1a\n"sv)) return PictureFormat::png;
  if (begins(bytes, "\xff\xd8\xff"sv)) return PictureFormat::jpeg;
  if (begins(bytes, "RIFF"sv) && begins(bytes, "WEBP"sv, 8)) return PictureFormat::webp;
  if (begins(bytes, "GIF87a"sv) || begins(bytes, "GIF89a"sv)) return PictureFormat::gif;
  if (begins(bytes, "BM"sv) && bytes.size() >= 26) return PictureFormat::bmp;
  if (begins(bytes, "ftyp"sv, 4))
    for (const auto brand : {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "mif1"sv, "msf1"sv, "avif"sv, "avis"sv})
      if (begins(bytes, brand, 8)) return PictureFormat::heif;
  if (begins(bytes, "<?xml"sv) || begins(bytes, "<svg"sv)) return PictureFormat::svg;
  return PictureFormat::unknown;
}

bool within_limit(std::uint64_t width, std::uint64_t height, std::uint64_t pixel_limit) {
  constexpr std::uint64_t longest_side = 1u << 20;
  return width <= longest_side && height <= longest_side && width * height <= pixel_limit;
}

Picture decode_picture(ByteView bytes, std::uint64_t pixel_limit) {
  switch (picture_format(bytes)) {
    case PictureFormat::png:
      return decode_png(bytes, pixel_limit);
    case PictureFormat::jpeg:
      return decode_jpeg(bytes, pixel_limit);
    case PictureFormat::webp:
      return decode_webp(bytes, pixel_limit);
    case PictureFormat::gif:
      return decode_gif(bytes, pixel_limit);
    case PictureFormat::bmp:
      return decode_bmp(bytes, pixel_limit);
    case PictureFormat::svg:
      return decode_svg(bytes, pixel_limit);
    case PictureFormat::heif:
    case PictureFormat::unknown:
      break;
  }
  Picture picture;
  picture.format = picture_format(bytes);
  picture.fault = picture.format == PictureFormat::heif ? PictureFault::unread_format : PictureFault::unknown_format;
  return picture;
}

void AlphaGround::see(const std::uint8_t* pairs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    light_ += static_cast<std::uint64_t>(pairs[2 * i]) * pairs[2 * i + 1];
    weight_ += pairs[2 * i + 1];
  }
}

// White modules drawn on nothing need a dark ground, black ones a light one; a picture with both does not care.
std::uint8_t AlphaGround::ground() const {
  return weight_ != 0 && light_ / weight_ > 160 ? 0 : 255;
}

}  // namespace qrx
