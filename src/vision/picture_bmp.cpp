#include "vision/picture_bmp.h"

#include <algorithm>
#include <bit>

#include "vision/alpha_ground.h"

namespace qrx::vision {
namespace {

constexpr std::uint32_t plain = 0;      // BI_RGB
constexpr std::uint32_t runs8 = 1;      // BI_RLE8
constexpr std::uint32_t runs4 = 2;      // BI_RLE4
constexpr std::uint32_t bitfields = 3;  // BI_BITFIELDS

// Little-endian numbers from a file; past its end they are zero.
class Numbers {
 public:
  explicit Numbers(ByteView bytes) : bytes_(bytes) {}
  std::uint32_t at(std::size_t offset, int width) const {
    std::uint32_t value = 0;
    for (int i = width - 1; i >= 0; --i)
      value = value << 8 | (offset + i < bytes_.size() ? std::to_integer<std::uint32_t>(bytes_[offset + i]) : 0);
    return value;
  }

 private:
  ByteView bytes_;
};

// A channel cut out of a 16 or 32 bit pixel and brought to 8 bits.
class Channel {
 public:
  explicit Channel(std::uint32_t mask) : mask_(mask), shift_(mask ? std::countr_zero(mask) : 0) {
    most_ = mask >> shift_;
  }
  bool is_there() const { return most_ != 0; }
  unsigned of(std::uint32_t pixel) const {
    return most_ ? static_cast<unsigned>(std::uint64_t{(pixel & mask_) >> shift_} * 255 / most_) : 0;
  }

 private:
  std::uint32_t mask_;
  int shift_;
  std::uint32_t most_ = 0;
};

struct Head {
  std::uint32_t pixels_at = 0;
  std::uint32_t head_size = 0;
  std::int64_t width = 0;
  std::int64_t height = 0;  // negative: from the top
  std::uint32_t bits = 0;
  std::uint32_t compression = plain;
  std::uint32_t colours = 0;
};

Head read_head(const Numbers& file) {
  Head head;
  head.pixels_at = file.at(10, 4);
  head.head_size = file.at(14, 4);
  if (head.head_size == 12) {  // OS/2
    head.width = file.at(18, 2);
    head.height = file.at(20, 2);
    head.bits = file.at(24, 2);
  } else {
    head.width = static_cast<std::int32_t>(file.at(18, 4));
    head.height = static_cast<std::int32_t>(file.at(22, 4));
    head.bits = file.at(28, 2);
    head.compression = file.at(30, 4);
    head.colours = file.at(46, 4);
  }
  return head;
}

bool is_known(const Head& head) {
  // 12 is OS/2's, 40 Windows 3's; the largest in use, version 5, has 124.
  if (head.head_size != 12 && (head.head_size < 40 || head.head_size > 256)) return false;
  if (head.width <= 0 || head.height == 0) return false;
  const bool deep = head.bits == 16 || head.bits == 32;
  if (head.compression == bitfields) return deep;
  if (head.compression == runs8 || head.compression == runs4)
    return head.bits == (head.compression == runs8 ? 8 : 4) && head.height > 0;
  return head.compression == plain && (deep || head.bits == 1 || head.bits == 4 || head.bits == 8 || head.bits == 24);
}

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0, alpha = 255;
};

// The indices of runs, literals padded to two bytes, and moves; what is passed over has the first colour. False when
// the bytes end before the picture does.
bool unpack(ByteView from, const Head& head, std::vector<std::uint8_t>& indices) {
  const auto width = static_cast<std::size_t>(head.width), height = static_cast<std::size_t>(head.height);
  std::size_t x = 0, y = 0;
  const auto byte = [&from](std::size_t i) { return std::to_integer<std::uint8_t>(from[i]); };
  const auto nibble = [&](std::uint8_t two, std::size_t i) -> std::uint8_t {
    if (head.bits == 8) return two;
    return i % 2 == 0 ? two >> 4 : two & 15;
  };
  while (y < height && from.size() >= 2) {
    const std::size_t count = byte(0), what = byte(1);
    from = from.subspan(2);
    if (count > 0) {
      const std::size_t end = std::min(width, x + count);
      // Runs beyond the line's end are cut: so do all readers.
      for (std::size_t i = 0; x < end; ++i) indices[y * width + x++] = nibble(static_cast<std::uint8_t>(what), i);
    } else if (what == 0) {
      x = 0;
      ++y;
    } else if (what == 1) {
      return true;
    } else if (what == 2) {
      if (from.size() < 2) return false;
      x = std::min(width, x + byte(0));
      y += byte(1);
      from = from.subspan(2);
    } else {
      const std::size_t bytes = head.bits == 8 ? what : (what + 1) / 2;
      if (from.size() < bytes) return false;
      for (std::size_t i = 0; i < what && x < width; ++i)
        indices[y * width + x++] = nibble(byte(head.bits == 8 ? i : i / 2), i);
      from = from.subspan(std::min(from.size(), bytes + bytes % 2));
    }
  }
  return y >= height;
}

void fill_palette(const Numbers& file, const Head& head, Colour (&palette)[256]) {
  const std::size_t entry = head.head_size == 12 ? 3 : 4;
  const std::uint32_t all = 1u << head.bits;
  const std::uint32_t count = head.colours == 0 ? all : std::min(head.colours, all);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::size_t at = 14 + head.head_size + i * entry;
    const auto byte = [&](std::size_t offset) { return static_cast<std::uint8_t>(file.at(at + offset, 1)); };
    palette[i] = {byte(2), byte(1), byte(0), 255};
  }
}

class Pixels {
 public:
  Pixels(const Numbers& file, const Head& head) : file_(file), head_(head) {
    if (head.bits <= 8) fill_palette(file, head, palette_);
    if (head.compression == bitfields) {
      red_ = Channel(file.at(54, 4));
      green_ = Channel(file.at(58, 4));
      blue_ = Channel(file.at(62, 4));
      // BITMAPV3INFOHEADER and later ones have a mask for alpha.
      if (head.bits == 32 && head.head_size >= 56) alpha_ = Channel(file.at(66, 4));
    } else if (head.bits == 32) {
      alpha_ = Channel(0xFF000000);
    } else if (head.bits == 16) {
      // Without masks: five bits a channel.
      red_ = Channel(0x7C00);
      green_ = Channel(0x03E0);
      blue_ = Channel(0x001F);
    }
  }

  Colour at(std::size_t line, std::size_t x) const {
    if (head_.bits <= 8) {
      const std::size_t bit = x * head_.bits;
      const std::uint32_t byte = file_.at(line + bit / 8, 1);
      return palette_[byte >> (8 - head_.bits - bit % 8) & ((1u << head_.bits) - 1)];
    }
    const std::uint32_t bytes = head_.bits / 8;
    const std::uint32_t pixel = file_.at(line + x * bytes, static_cast<int>(bytes));
    const auto byte = [pixel](const Channel& channel) { return static_cast<std::uint8_t>(channel.of(pixel)); };
    return {byte(red_), byte(green_), byte(blue_), byte(alpha_)};
  }
  Colour of_index(std::uint8_t index) const { return palette_[index]; }
  bool may_have_alpha() const { return alpha_.is_there(); }

 private:
  const Numbers& file_;
  const Head& head_;
  Colour palette_[256] = {};
  Channel red_{0xFF0000};
  Channel green_{0x00FF00};
  Channel blue_{0x0000FF};
  Channel alpha_{0};  // often there and zero everywhere, by programs that know of none: then it means nothing
};

void decode_runs(ByteView bytes, const Numbers& file, const Head& head, Picture& picture,
                 std::vector<std::uint8_t>* rgba) {
  const auto width = static_cast<std::size_t>(head.width), height = static_cast<std::size_t>(head.height);
  std::vector<std::uint8_t> indices(width * height);
  picture.complete = unpack(bytes.subspan(head.pixels_at), head, indices);
  picture.gray = Gray(static_cast<int>(width), static_cast<int>(height), 255);
  if (rgba) rgba->assign(4 * indices.size(), 255);
  const Pixels pixels(file, head);
  for (std::size_t y = 0; y < height; ++y) {
    const std::size_t to = height - 1 - y;
    for (std::size_t x = 0; x < width; ++x) {
      const Colour colour = pixels.of_index(indices[y * width + x]);
      picture.gray.row(static_cast<int>(to))[x] = luma(colour.red, colour.green, colour.blue);
      if (rgba) std::copy_n(&colour.red, 3, rgba->data() + 4 * (to * width + x));
    }
  }
}

}  // namespace

Picture decode_bmp(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba) {
  Picture picture;
  picture.format = PictureFormat::bmp;
  const Numbers file(bytes);
  const Head head = read_head(file);
  if (!is_known(head) || head.pixels_at >= bytes.size()) {
    picture.fault = PictureFault::damaged;
    return picture;
  }
  const auto width = static_cast<std::uint64_t>(head.width);
  const auto height = static_cast<std::uint64_t>(head.height < 0 ? -head.height : head.height);
  if (!within_limit(width, height, pixel_limit)) {
    picture.fault = PictureFault::too_large;
    return picture;
  }
  if (head.compression == runs8 || head.compression == runs4) {
    decode_runs(bytes, file, head, picture, rgba);
    return picture;
  }
  const std::size_t stride = (width * head.bits + 31) / 32 * 4;
  // What the file does not hold costs no memory either: a few bytes must not become a hundred megabytes.
  const std::size_t lines = std::min<std::size_t>(height, (bytes.size() - head.pixels_at + stride - 1) / stride);
  picture.complete = head.pixels_at + stride * height <= bytes.size();
  picture.gray = Gray(static_cast<int>(width), static_cast<int>(lines), 255);
  if (rgba) rgba->assign(4 * picture.gray.pixels.size(), 255);
  const Pixels pixels(file, head);
  AlphaGround ground;
  std::vector<std::uint8_t> alpha(pixels.may_have_alpha() ? picture.gray.pixels.size() : 0);
  for (std::size_t y = 0; y < lines; ++y) {
    const std::size_t to = head.height < 0 ? y : lines - 1 - y;
    std::uint8_t* row = picture.gray.row(static_cast<int>(to));
    const std::size_t line = head.pixels_at + y * stride;
    for (std::size_t x = 0; x < width; ++x) {
      const Colour colour = pixels.at(line, x);
      row[x] = luma(colour.red, colour.green, colour.blue);
      if (rgba) std::copy_n(&colour.red, 3, rgba->data() + 4 * (to * width + x));
      if (alpha.empty()) continue;
      alpha[to * width + x] = colour.alpha;
      const std::uint8_t pair[2] = {row[x], colour.alpha};
      ground.see(pair, 1);
    }
  }
  // Alpha that is zero everywhere was written by a program that knows of none.
  if (std::ranges::all_of(alpha, [](std::uint8_t value) { return value == 0; })) return picture;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    picture.gray.pixels[i] = AlphaGround::mix(picture.gray.pixels[i], alpha[i], ground.ground());
    if (rgba) (*rgba)[4 * i + 3] = alpha[i];
  }
  return picture;
}

}  // namespace qrx::vision
