#include "vision/picture.h"

#include <string_view>

namespace qrx::vision {
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
  // Longer than any head: shorter ones would be "BM" at the start of some text.
  if (begins(bytes, "BM"sv) && bytes.size() >= 26) return PictureFormat::bmp;
  if (begins(bytes, "ftyp"sv, 4))
    for (const auto brand :
         {"heic"sv, "heix"sv, "heim"sv, "heis"sv, "hevc"sv, "hevx"sv, "mif1"sv, "msf1"sv, "avif"sv, "avis"sv})
      if (begins(bytes, brand, 8)) return PictureFormat::heif;
  if (begins(bytes, "<?xml"sv) || begins(bytes, "<svg"sv)) return PictureFormat::svg;
  return PictureFormat::unknown;
}

bool within_limit(std::uint64_t width, std::uint64_t height, std::uint64_t pixel_limit) {
  // 2^20: products of two sides stay far below 2^64.
  constexpr std::uint64_t longest_side = 1u << 20;
  return width <= longest_side && height <= longest_side && width * height <= pixel_limit;
}

}  // namespace qrx::vision
