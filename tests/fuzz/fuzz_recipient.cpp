// Recipients, from arguments, files and requests: whatever parses is written and read back the same, and holds no
// second one.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "wire/recipient.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto recipient = qrx::wire::parse_recipient(text);
  if (!recipient) return 0;
  const auto again = qrx::wire::parse_recipient(qrx::wire::to_text(*recipient));
  if (!again || *again != *recipient) std::abort();
  for (const char c : recipient->address)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F || c == ',' || c == '<' || c == '>' || c == '"')
      std::abort();
  return 0;
}
