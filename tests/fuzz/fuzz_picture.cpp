// Every decoder behind the magic: whatever the bytes are, the picture is as large as it says and within the limit.
#include <cstdlib>

#include "vision/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t limit = 1 << 20;
  const qrx::Picture picture = qrx::decode_picture(std::as_bytes(std::span(data, size)), limit);
  const qrx::Gray& gray = picture.gray;
  const auto pixels = static_cast<std::uint64_t>(gray.width) * static_cast<std::uint64_t>(gray.height);
  if (gray.pixels.size() != pixels || pixels > limit) std::abort();
  if (picture.fault == qrx::PictureFault::none && pixels == 0) std::abort();
  qrx::each_gif_frame(std::as_bytes(std::span(data, size)), limit,
                      [frames = 0](const qrx::Gray&) mutable { return ++frames < 8; });
  return 0;
}
