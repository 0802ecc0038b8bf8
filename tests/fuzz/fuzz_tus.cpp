// The headers of tus: whatever is accepted is written and read back as the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/tus.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qrx::wire;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto metadata = parse_upload_metadata(text)) {
    const auto again = parse_upload_metadata(format_upload_metadata(*metadata));
    if (!again || again->entries != metadata->entries) std::abort();
  }
  if (const auto checksum = parse_upload_checksum(text)) {
    const auto again = parse_upload_checksum(format_upload_checksum(*checksum));
    if (!again || again->sum != checksum->sum || again->algorithm != checksum->algorithm) std::abort();
  }
  if (const auto concat = parse_upload_concat(text); concat && concat->is_final == concat->parts.empty()) std::abort();
  if (const auto number = parse_number(text); number && *number > INT64_MAX) std::abort();
  return 0;
}
