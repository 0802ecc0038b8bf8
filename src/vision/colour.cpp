#include "vision/colour.h"

#include <png.h>
#include <webp/decode.h>
#include <webp/demux.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>

#include "vision/jpeg_decoder.h"
#include "vision/picture_bmp.h"
#include "vision/picture_gif.h"
#include "vision/picture_heif.h"

namespace qrx::vision {
namespace {

using Decoded = std::optional<ColourPicture>;

struct FreeImage {
  png_image image{};
  ~FreeImage() { png_image_free(&image); }
};

// The simplified API of libpng: this picture is for people, and a damaged one is just not shown.
Decoded png_colours(ByteView bytes) {
  FreeImage guard;
  png_image& image = guard.image;
  image.version = PNG_IMAGE_VERSION;
  if (!png_image_begin_read_from_memory(&image, bytes.data(), bytes.size())) return std::nullopt;
  if (!within_limit(image.width, image.height, most_shown_pixels)) return std::nullopt;
  image.format = PNG_FORMAT_RGBA;
  ColourPicture out;
  out.width = static_cast<int>(image.width);
  out.height = static_cast<int>(image.height);
  out.rgba.resize(PNG_IMAGE_SIZE(image));
  if (!png_image_finish_read(&image, nullptr, out.rgba.data(), 0, nullptr)) return std::nullopt;
  return out;
}

// The orientation in the TIFF directory of an EXIF block, or 1.
int orientation_of(ByteView exif) {
  constexpr std::string_view head("Exif\0\0", 6);
  // TIFF 6.0: byte order, 42, the offset of the first directory; an entry has 12 bytes.
  if (exif.size() < 14 || as_text(exif.first(6)) != head) return 1;
  const ByteView tiff = exif.subspan(6);
  const bool little = tiff[0] == std::byte{'I'};
  const auto number = [&](std::size_t at, std::size_t size) {
    std::uint32_t value = 0;
    if (at > tiff.size() || tiff.size() - at < size) return value;
    for (std::size_t i = 0; i < size; ++i)
      value = value << 8 | static_cast<std::uint32_t>(tiff[at + (little ? size - 1 - i : i)]);
    return value;
  };
  const std::size_t directory = number(4, 4);
  const std::size_t entries = number(directory, 2);
  // 64: cameras write about twenty.
  for (std::size_t i = 0; i < entries && i < 64; ++i) {
    const std::size_t entry = directory + 2 + 12 * i;
    // Orientation
    if (number(entry, 2) != 0x0112) continue;
    const auto value = static_cast<int>(number(entry + 8, 2));
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

struct Jpeg {
  JpegDecoder decoder;
  ColourPicture out;
  std::vector<std::uint8_t> line;
  bool has_pixels = false;
};

void read_line(const Jpeg& reading, bool four_inks, std::uint8_t* out) {
  const std::uint8_t* in = reading.line.data();
  for (JDIMENSION x = 0; x < reading.decoder.jpeg.output_width; ++x, out += 4, in += four_inks ? 4 : 3) {
    out[3] = 255;
    if (four_inks) {
      const auto light = reading.decoder.light_of(in);
      for (std::size_t i = 0; i < 3; ++i) out[i] = static_cast<std::uint8_t>(light[i]);
    } else {
      for (std::size_t i = 0; i < 3; ++i) out[i] = in[i];
    }
  }
}

bool run(Jpeg& reading, ByteView bytes, int side) {
  jpeg_decompress_struct& jpeg = reading.decoder.jpeg;
  // What was read so far is shown: an unfinished picture tells people enough.
  if (setjmp(reading.decoder.jump) != 0) return reading.has_pixels;
  reading.decoder.open(bytes);
  // Before the header is read: EXIF stands in front of it.
  jpeg_save_markers(&jpeg, JPEG_APP0 + 1, 0xFFFF);
  jpeg_read_header(&jpeg, TRUE);
  if (!within_limit(jpeg.image_width, jpeg.image_height, most_shown_pixels)) return false;
  for (auto* marker = jpeg.marker_list; marker; marker = marker->next)
    if (reading.out.orientation == 1)
      reading.out.orientation = orientation_of(as_bytes(std::span(marker->data, marker->data_length)));
  const bool four_inks = reading.decoder.four_inks();
  jpeg.out_color_space = four_inks ? JCS_CMYK : JCS_RGB;
  // A half, a quarter or an eighth costs that much less, and is scaled on from there.
  const auto most = static_cast<unsigned>(side);
  while (jpeg.scale_denom < 8 && std::min(jpeg.image_width, jpeg.image_height) / (2 * jpeg.scale_denom) >= most)
    jpeg.scale_denom *= 2;
  jpeg_start_decompress(&jpeg);
  reading.out.width = static_cast<int>(jpeg.output_width);
  reading.out.height = static_cast<int>(jpeg.output_height);
  reading.out.rgba.assign(4 * static_cast<std::size_t>(jpeg.output_width) * jpeg.output_height, 128);
  reading.line.resize((four_inks ? 4 : 3) * static_cast<std::size_t>(jpeg.output_width));
  while (jpeg.output_scanline < jpeg.output_height) {
    std::uint8_t* out =
        reading.out.rgba.data() + 4 * static_cast<std::size_t>(jpeg.output_scanline) * jpeg.output_width;
    JSAMPROW rows[1] = {reading.line.data()};
    if (jpeg_read_scanlines(&jpeg, rows, 1) != 1) return reading.has_pixels;
    read_line(reading, four_inks, out);
    reading.has_pixels = true;
  }
  return true;
}

Decoded jpeg_colours(ByteView bytes, int side) {
  const auto reading = std::make_unique<Jpeg>();
  if (!run(*reading, bytes, side)) return std::nullopt;
  return std::move(reading->out);
}

struct CloseDemuxer {
  void operator()(WebPDemuxer* demuxer) const { WebPDemuxDelete(demuxer); }
};
struct FrameGuard {
  WebPIterator frame{};
  ~FrameGuard() { WebPDemuxReleaseIterator(&frame); }
};

Decoded webp_colours(ByteView bytes) {
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  // Of a moving picture the first frame.
  std::size_t size = bytes.size();
  const WebPData whole{data, size};
  const std::unique_ptr<WebPDemuxer, CloseDemuxer> demuxer(WebPDemux(&whole));
  FrameGuard first;
  if (demuxer && WebPDemuxGetFrame(demuxer.get(), 1, &first.frame)) {
    data = first.frame.fragment.bytes;
    size = first.frame.fragment.size;
  }
  ColourPicture out;
  if (!WebPGetInfo(data, size, &out.width, &out.height)) return std::nullopt;
  if (!within_limit(static_cast<std::uint64_t>(out.width), static_cast<std::uint64_t>(out.height), most_shown_pixels))
    return std::nullopt;
  out.rgba.resize(4 * static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
  if (!WebPDecodeRGBAInto(data, size, out.rgba.data(), out.rgba.size(), 4 * out.width)) return std::nullopt;
  return out;
}

// Decoders of gray that give the colours beside it.
template <class Decode>
Decoded by_the_way(Decode decode, ByteView bytes) {
  ColourPicture out;
  const Picture picture = decode(bytes, most_shown_pixels, &out.rgba);
  if (picture.fault != PictureFault::none) return std::nullopt;
  out.width = picture.gray.width;
  out.height = picture.gray.height;
  return out;
}

// The mean of the pixels that fall together; where they are transparent they count for less.
void average(const ColourPicture& from, int left, int right, int top, int bottom, std::uint8_t* out) {
  std::uint64_t sums[3] = {}, alpha = 0;
  for (int y = top; y < bottom; ++y) {
    const std::uint8_t* pixel =
        from.rgba.data() +
        4 * (static_cast<std::size_t>(y) * static_cast<std::size_t>(from.width) + static_cast<std::size_t>(left));
    for (int x = left; x < right; ++x, pixel += 4) {
      for (int i = 0; i < 3; ++i) sums[i] += static_cast<std::uint64_t>(pixel[i]) * pixel[3];
      alpha += pixel[3];
    }
  }
  const auto count = static_cast<std::uint64_t>(right - left) * static_cast<std::uint64_t>(bottom - top);
  for (int i = 0; i < 3; ++i) out[i] = static_cast<std::uint8_t>(alpha ? sums[i] / alpha : 0);
  out[3] = static_cast<std::uint8_t>(alpha / count);
}

SmallPicture scaled(const ColourPicture& from, int width, int height) {
  const double shrink =
      // Never enlarged: an icon on a terminal stays small.
      std::min({1.0, static_cast<double>(width) / from.width, static_cast<double>(height) / from.height});
  SmallPicture out;
  out.width = std::clamp(static_cast<int>(from.width * shrink + 0.5), 1, width);
  out.height = std::clamp(static_cast<int>(from.height * shrink + 0.5), 1, height);
  out.rgba.resize(4 * static_cast<std::size_t>(out.width) * static_cast<std::size_t>(out.height));
  const auto edge = [](int i, int of, int all) { return static_cast<int>(static_cast<std::int64_t>(i) * all / of); };
  std::uint8_t* pixel = out.rgba.data();
  for (int y = 0; y < out.height; ++y) {
    const int top = edge(y, out.height, from.height), bottom = std::max(top + 1, edge(y + 1, out.height, from.height));
    for (int x = 0; x < out.width; ++x, pixel += 4) {
      const int left = edge(x, out.width, from.width), right = std::max(left + 1, edge(x + 1, out.width, from.width));
      average(from, left, right, top, bottom, pixel);
    }
  }
  return out;
}

// EXIF: 2 mirrored, 3 upside down, 4 both; 5 to 8 the same with rows and columns exchanged.
SmallPicture turned(const SmallPicture& from, int orientation) {
  if (orientation == 1) return from;
  const bool exchanged = orientation >= 5;
  SmallPicture out;
  out.width = exchanged ? from.height : from.width;
  out.height = exchanged ? from.width : from.height;
  out.rgba.resize(from.rgba.size());
  const bool flip_x = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  const bool flip_y = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  for (int y = 0; y < out.height; ++y) {
    for (int x = 0; x < out.width; ++x) {
      const int u = exchanged ? y : x, v = exchanged ? x : y;
      const int from_x = flip_x ? from.width - 1 - u : u, from_y = flip_y ? from.height - 1 - v : v;
      const auto at = [](int column, int line, int width) {
        return 4 *
               (static_cast<std::size_t>(line) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column));
      };
      std::memcpy(out.rgba.data() + at(x, y, out.width), from.rgba.data() + at(from_x, from_y, from.width), 4);
    }
  }
  return out;
}

}  // namespace

std::optional<ColourPicture> decode_colours(ByteView bytes, int side) {
  switch (picture_format(bytes)) {
    case PictureFormat::png:
      return png_colours(bytes);
    case PictureFormat::jpeg:
      return jpeg_colours(bytes, side);
    case PictureFormat::webp:
      return webp_colours(bytes);
    case PictureFormat::gif:
      return by_the_way(decode_gif, bytes);
    case PictureFormat::bmp:
      return by_the_way(decode_bmp, bytes);
    case PictureFormat::heif:
      return by_the_way(decode_heif, bytes);
    case PictureFormat::svg:
    case PictureFormat::unknown:
      break;
  }
  return std::nullopt;
}

std::optional<SmallPicture> decode_small(ByteView bytes, int width, int height) {
  const auto decoded = decode_colours(bytes, std::max(width, height));
  if (!decoded || decoded->width <= 0 || decoded->height <= 0) return std::nullopt;
  const bool exchanged = decoded->orientation >= 5;
  return turned(scaled(*decoded, exchanged ? height : width, exchanged ? width : height), decoded->orientation);
}

}  // namespace qrx::vision
