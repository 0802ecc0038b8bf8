// The type of a file by its beginning: always an answer, and the bytes behind the first 512 change nothing.
#include <cstdlib>

#include "wire/sniff.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const qrx::ByteView bytes = std::as_bytes(std::span(data, size));
  const auto whole = qrx::wire::sniff(bytes, true);
  if (whole.type.find('/') == std::string_view::npos) std::abort();
  if (size > qrx::wire::sniffed_bytes &&
      whole.type != qrx::wire::sniff(bytes.first(qrx::wire::sniffed_bytes), false).type)
    std::abort();
  return 0;
}
