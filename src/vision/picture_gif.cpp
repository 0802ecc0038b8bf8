#include "vision/picture_gif.h"

#include <gif_lib.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace qrx::vision {
namespace {

struct Source {
  ByteView left;
};

int take(GifFileType* gif, GifByteType* out, int wanted) {
  auto& source = *static_cast<Source*>(gif->UserData);
  const auto size = std::min(static_cast<std::size_t>(wanted), source.left.size());
  std::memcpy(out, source.left.data(), size);
  source.left = source.left.subspan(size);
  // Fewer than wanted: giflib takes it for the end of the file.
  return static_cast<int>(size);
}

struct Reading {
  GifFileType* gif = nullptr;
  ~Reading() {
    if (gif) DGifCloseFile(gif, nullptr);
  }
};

// Skips to the first image. The index of the transparent colour, or -1; nothing when there is no image.
std::optional<int> skip_to_image(GifFileType* gif) {
  int transparent = -1;
  for (;;) {
    GifRecordType type;
    if (DGifGetRecordType(gif, &type) == GIF_ERROR) return std::nullopt;
    if (type == IMAGE_DESC_RECORD_TYPE) return transparent;
    if (type != EXTENSION_RECORD_TYPE) return std::nullopt;
    int code = 0;
    GifByteType* block = nullptr;
    if (DGifGetExtension(gif, &code, &block) == GIF_ERROR) return std::nullopt;
    // The graphic control extension: bit 0 of its flags says that there is a transparent colour.
    if (code == GRAPHICS_EXT_FUNC_CODE && block && block[0] >= 4 && (block[1] & 1)) transparent = block[4];
    while (block)
      if (DGifGetExtensionNext(gif, &block) == GIF_ERROR) return std::nullopt;
  }
}

// The gray of each index; what the palette lacks and what is transparent is white.
void fill_palette(const ColorMapObject* colours, int transparent, std::uint8_t (&gray)[256]) {
  std::fill(std::begin(gray), std::end(gray), std::uint8_t{255});
  for (int i = 0; colours && i < std::min(colours->ColorCount, 256); ++i) {
    const GifColorType& colour = colours->Colors[i];
    if (i != transparent) gray[i] = luma(colour.Red, colour.Green, colour.Blue);
  }
}

void fill_pixel(const ColorMapObject* colours, int transparent, int index, std::uint8_t* rgba) {
  if (index == transparent) {
    rgba[3] = 0;
  } else if (colours && index < colours->ColorCount) {
    const GifColorType& colour = colours->Colors[index];
    rgba[0] = colour.Red;
    rgba[1] = colour.Green;
    rgba[2] = colour.Blue;
  }
}

// Where the n-th line of an image in the file belongs (GIF89a specification, appendix E).
class Lines {
 public:
  Lines(int height, bool interlaced) : height_(height), interlaced_(interlaced) {}
  int next() {
    if (!interlaced_) return line_++;
    const int line = line_;
    line_ += step[pass_];
    while (line_ >= height_ && pass_ < 3) line_ = start[++pass_];
    return line;
  }

 private:
  static constexpr int start[] = {0, 4, 2, 1};
  static constexpr int step[] = {8, 8, 4, 2};
  int height_;
  bool interlaced_;
  int line_ = 0;
  int pass_ = 0;
};

}  // namespace

Picture decode_gif(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba) {
  Picture picture;
  picture.format = PictureFormat::gif;
  picture.fault = PictureFault::damaged;
  Source source{bytes};
  Reading reading;
  reading.gif = DGifOpen(&source, take, nullptr);
  if (!reading.gif) return picture;
  const auto transparent = skip_to_image(reading.gif);
  if (!transparent || DGifGetImageDesc(reading.gif) == GIF_ERROR) return picture;
  const GifImageDesc& image = reading.gif->Image;
  if (image.Width <= 0 || image.Height <= 0) return picture;
  if (!within_limit(static_cast<std::uint64_t>(image.Width), static_cast<std::uint64_t>(image.Height), pixel_limit)) {
    picture.fault = PictureFault::too_large;
    return picture;
  }

  std::uint8_t palette[256];
  const ColorMapObject* map = image.ColorMap ? image.ColorMap : reading.gif->SColorMap;
  fill_palette(map, *transparent, palette);
  picture.gray = Gray(image.Width, image.Height, 255);
  if (rgba) rgba->assign(4 * picture.gray.pixels.size(), 255);
  Lines lines(image.Height, image.Interlace);
  for (int i = 0; i < image.Height; ++i) {
    const int y = lines.next();
    // After the last pass next() gives lines beyond the end; what comes then is no part of the picture.
    std::uint8_t* row = y < image.Height ? picture.gray.row(y) : nullptr;
    if (!row || DGifGetLine(reading.gif, row, image.Width) == GIF_ERROR) {
      picture.complete = false;
      break;
    }
    if (rgba) {
      std::uint8_t* colours = rgba->data() + 4 * static_cast<std::size_t>(y) * static_cast<std::size_t>(image.Width);
      for (int x = 0; x < image.Width; ++x) fill_pixel(map, transparent.value(), row[x], colours + 4 * x);
    }
    std::transform(row, row + image.Width, row, [&](std::uint8_t index) { return palette[index]; });
    // One line is enough: whether the code is among those that came, the search finds out.
    picture.fault = PictureFault::none;
  }
  return picture;
}

void each_gif_frame(ByteView bytes, std::uint64_t pixel_limit, const std::function<bool(const Gray&)>& see) {
  Source source{bytes};
  Reading reading;
  reading.gif = DGifOpen(&source, take, nullptr);
  if (!reading.gif || reading.gif->SWidth <= 0 || reading.gif->SHeight <= 0) return;
  if (!within_limit(static_cast<std::uint64_t>(reading.gif->SWidth), static_cast<std::uint64_t>(reading.gif->SHeight),
                    pixel_limit))
    return;
  Gray canvas(reading.gif->SWidth, reading.gif->SHeight, 255);
  std::vector<GifByteType> line;
  for (;;) {
    const auto transparent = skip_to_image(reading.gif);
    if (!transparent || DGifGetImageDesc(reading.gif) == GIF_ERROR) return;
    const GifImageDesc& image = reading.gif->Image;
    // GIF's sides have 16 bits: a line is small.
    if (image.Width <= 0 || image.Height <= 0 || image.Left < 0 || image.Top < 0) return;
    std::uint8_t palette[256];
    fill_palette(image.ColorMap ? image.ColorMap : reading.gif->SColorMap, *transparent, palette);
    line.resize(static_cast<std::size_t>(image.Width));
    Lines lines(image.Height, image.Interlace);
    for (int i = 0; i < image.Height; ++i) {
      if (DGifGetLine(reading.gif, line.data(), image.Width) == GIF_ERROR) return;
      const int y = image.Top + lines.next();
      if (y >= canvas.height) continue;
      for (int x = 0; x < std::min(image.Width, canvas.width - image.Left); ++x)
        // Transparent pixels keep what the frame before showed.
        if (line[static_cast<std::size_t>(x)] != *transparent)
          canvas.row(y)[image.Left + x] = palette[line[static_cast<std::size_t>(x)]];
    }
    if (!see(canvas)) return;
  }
}

}  // namespace qrx::vision
