// The decoders in colours: whatever the bytes are, the picture fits and has all of its pixels.
#include <cstdlib>

#include "vision/colour.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr int width = 40, height = 30;
  const auto picture = qrx::vision::decode_small(std::as_bytes(std::span(data, size)), width, height);
  if (!picture) return 0;
  if (picture->width < 1 || picture->height < 1 || picture->width > width || picture->height > height) std::abort();
  if (picture->rgba.size() != 4u * static_cast<unsigned>(picture->width) * static_cast<unsigned>(picture->height))
    std::abort();
  const auto again = qrx::vision::parse_small_picture(qrx::vision::format_small_picture(*picture));
  if (!again || again->rgba != picture->rgba) std::abort();
  return 0;
}
