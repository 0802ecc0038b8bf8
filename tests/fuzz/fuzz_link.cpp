// Links from QR codes and arguments: whatever parses is written and read back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/link.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto link = qrx::wire::parse_drop_link(text)) {
    const auto again = qrx::wire::parse_drop_link(link->text());
    if (!again || again->origin != link->origin || again->guid != link->guid || again->key != link->key) std::abort();
  }
  if (const auto link = qrx::wire::parse_owner_link(text); link && !qrx::wire::parse_owner_link(link->text()))
    std::abort();
  if (const auto link = qrx::wire::parse_share_link(text); link && !qrx::wire::parse_share_link(link->text()))
    std::abort();
  (void)qrx::wire::Origin::parse(text);
  return 0;
}
