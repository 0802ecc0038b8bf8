// Every decoder behind the magic: whatever the bytes are, the picture is as large as it says and within the limit.
#include <cstdlib>

#include "vision/decode_picture.h"
#include "vision/picture_gif.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t limit = 1 << 20;
  const qrx::vision::Picture picture = qrx::vision::decode_picture(std::as_bytes(std::span(data, size)), limit);
  const qrx::vision::Gray& gray = picture.gray;
  const auto pixels = static_cast<std::uint64_t>(gray.width) * static_cast<std::uint64_t>(gray.height);
  if (gray.pixels.size() != pixels || pixels > limit) std::abort();
  if (picture.fault == qrx::vision::PictureFault::none && pixels == 0) std::abort();
  qrx::vision::each_gif_frame(std::as_bytes(std::span(data, size)), limit,
                              [frames = 0](const qrx::vision::Gray&) mutable { return ++frames < 8; });
  return 0;
}
