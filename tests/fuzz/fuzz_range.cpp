// Range, Content-Range and digests: what is chosen lies within the content and comes back.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/digest.h"
#include "wire/range.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace qrx::wire;
  if (size == 0) return 0;
  const std::uint64_t length = data[0] < 128 ? data[0] : UINT64_MAX / 2 - data[0];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const ChosenRange chosen = choose_range(text, std::nullopt, "\"x\"", length);
  if (chosen.choice == RangeChoice::part) {
    if (chosen.range.size == 0 || chosen.range.first >= length || chosen.range.size > length - chosen.range.first)
      std::abort();
    const auto back = parse_content_range(content_range(chosen.range, length));
    if (!back || back->range != chosen.range || back->length != length) std::abort();
  }
  parse_content_range(text);
  etag_list_holds(text, "\"x\"", true);
  wants_sha256(text);
  if (const auto sum = parse_repr_digest(text); sum && parse_repr_digest(format_repr_digest(*sum)) != sum) std::abort();
  return 0;
}
