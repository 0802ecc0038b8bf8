#include "vision/picture_heif.h"

#include <algorithm>
#include <memory>

#include "vision/alpha_ground.h"
#include "vision/heif_library.h"

namespace qrx::vision {
namespace {

Picture faulty(PictureFault fault) {
  Picture picture;
  picture.format = PictureFormat::heif;
  picture.fault = fault;
  return picture;
}

#if QRX_HEIF

// What telephones write, and twice that. The decoders take about ten bytes a pixel.
constexpr std::uint64_t most_heif_pixels = 64'000'000;

PictureFault fault_of(const heif_error& error) {
  switch (error.code) {
    case heif_error_Ok:
      return PictureFault::none;
    case heif_error_Unsupported_filetype:
    case heif_error_Unsupported_feature:
    case heif_error_Plugin_loading_error:
      return PictureFault::unread_format;
    case heif_error_Memory_allocation_error:
      return PictureFault::too_large;
    default:
      return PictureFault::damaged;
  }
}

// Objects of the library, which it frees.
template <class Object>
using Owned = std::unique_ptr<Object, void (*)(Object*)>;
using OwnedConst = std::unique_ptr<const heif_image_handle, void (*)(const heif_image_handle*)>;

struct Pixels {
  const std::uint8_t* rgba = nullptr;
  std::size_t row_bytes = 0;
  int width = 0;
  int height = 0;

  const std::uint8_t* row(int y) const { return rgba + static_cast<std::size_t>(y) * row_bytes; }
};

Picture gray_of(const Pixels& pixels) {
  const auto pair_of = [&](const std::uint8_t* pixel, std::uint8_t* pair) {
    pair[0] = luma(pixel[0], pixel[1], pixel[2]);
    pair[1] = pixel[3];
  };
  AlphaGround chooser;
  std::uint8_t pair[2];
  for (int y = 0; y < pixels.height; ++y)
    for (int x = 0; x < pixels.width; ++x) {
      pair_of(pixels.row(y) + 4 * static_cast<std::size_t>(x), pair);
      chooser.see(pair, 1);
    }
  const std::uint8_t ground = chooser.ground();
  Picture picture = faulty(PictureFault::none);
  picture.gray = Gray(pixels.width, pixels.height, 0);
  for (int y = 0; y < pixels.height; ++y) {
    std::uint8_t* out = picture.gray.row(y);
    for (int x = 0; x < pixels.width; ++x) {
      pair_of(pixels.row(y) + 4 * static_cast<std::size_t>(x), pair);
      out[x] = AlphaGround::mix(pair[0], pair[1], ground);
    }
  }
  return picture;
}

// With the library's colours, turned as the file says, 8 bit.
Picture decode_primary(const HeifLibrary& heif, const heif_image_handle* handle, std::uint64_t most,
                       std::vector<std::uint8_t>* rgba) {
  const Owned<heif_decoding_options> options(heif.heif_decoding_options_alloc(), heif.heif_decoding_options_free);
  if (!options) return faulty(PictureFault::too_large);
  options->convert_hdr_to_8bit = 1;
  heif_image* raw = nullptr;
  const heif_error error =
      heif.heif_decode_image(handle, &raw, heif_colorspace_RGB, heif_chroma_interleaved_RGBA, options.get());
  if (error.code != heif_error_Ok || !raw)
    return faulty(error.code == heif_error_Ok ? PictureFault::damaged : fault_of(error));
  const std::unique_ptr<const heif_image, void (*)(const heif_image*)> image(raw, heif.heif_image_release);

  Pixels pixels;
  int row_bytes = 0;
  pixels.rgba = heif.heif_image_get_plane_readonly(raw, heif_channel_interleaved, &row_bytes);
  pixels.width = heif.heif_image_get_width(raw, heif_channel_interleaved);
  pixels.height = heif.heif_image_get_height(raw, heif_channel_interleaved);
  pixels.row_bytes = static_cast<std::size_t>(std::max(0, row_bytes));
  if (!pixels.rgba || pixels.width <= 0 || pixels.height <= 0 ||
      pixels.row_bytes < 4 * static_cast<std::size_t>(pixels.width))
    return faulty(PictureFault::damaged);
  // What the file says of its size need not be true.
  if (!within_limit(static_cast<std::uint64_t>(pixels.width), static_cast<std::uint64_t>(pixels.height), most))
    return faulty(PictureFault::too_large);
  if (rgba) {
    rgba->clear();
    rgba->reserve(4 * static_cast<std::size_t>(pixels.width) * static_cast<std::size_t>(pixels.height));
    for (int y = 0; y < pixels.height; ++y)
      rgba->insert(rgba->end(), pixels.row(y), pixels.row(y) + 4 * static_cast<std::size_t>(pixels.width));
  }
  return gray_of(pixels);
}

#endif

}  // namespace

#if QRX_HEIF

Picture decode_heif(ByteView bytes, std::uint64_t pixel_limit, std::vector<std::uint8_t>* rgba) {
  const HeifLibrary* heif = heif_library();
  if (!heif) return faulty(PictureFault::unread_format);
  const Owned<heif_context> context(heif->heif_context_alloc(), heif->heif_context_free);
  if (!context) return faulty(PictureFault::too_large);
  // 0: tiles one after the other, as no thread can be started here.
  heif->heif_context_set_max_decoding_threads(context.get(), 0);
  heif_error error =
      heif->heif_context_read_from_memory_without_copy(context.get(), bytes.data(), bytes.size(), nullptr);
  if (error.code != heif_error_Ok) return faulty(fault_of(error));
  heif_image_handle* raw = nullptr;
  error = heif->heif_context_get_primary_image_handle(context.get(), &raw);
  if (error.code != heif_error_Ok) return faulty(fault_of(error));
  const OwnedConst handle(raw, heif->heif_image_handle_release);
  const int width = heif->heif_image_handle_get_width(raw), height = heif->heif_image_handle_get_height(raw);
  if (width <= 0 || height <= 0) return faulty(PictureFault::damaged);
  const std::uint64_t most = std::min(pixel_limit, most_heif_pixels);
  if (!within_limit(static_cast<std::uint64_t>(width), static_cast<std::uint64_t>(height), most))
    return faulty(PictureFault::too_large);
  return decode_primary(*heif, raw, most, rgba);
}

#else

Picture decode_heif(ByteView /*bytes*/, std::uint64_t /*pixel_limit*/, std::vector<std::uint8_t>* /*rgba*/) {
  return faulty(PictureFault::unread_format);
}

#endif

}  // namespace qrx::vision
