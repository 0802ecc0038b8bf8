// Headers of sealed files, and keys: what is read is written again to the byte, in whatever pieces it came.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "seal/header.h"
#include "seal/keys.h"

using namespace qrx;
using namespace qrx::seal;

static const Identity& identity() {
  static const Identity one =
      *Identity::parse("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX");
  return one;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes = as_bytes(std::span(data, size));
  HeaderReader whole;
  const auto taken = whole.push(bytes);
  HeaderReader pieces;
  bool refused = false;
  for (std::size_t i = 0; i < size && !refused && !pieces.complete(); ++i) refused = !pieces.push(bytes.subspan(i, 1));
  if (refused != !taken || whole.complete() != pieces.complete()) std::abort();
  if (taken && whole.complete()) {
    const Header& header = whole.header();
    const std::string again = write_covered(header.stanzas) + write_mac_line_end(header.mac);
    if (again != as_text(bytes.first(*taken)) || again != header.text) std::abort();
    if (!again.starts_with(header.covered()) || !header.covered().ends_with("---")) std::abort();
    (void)unwrap(header, identity());
  }
  if (const auto recipient = Recipient::parse(as_text(bytes)); recipient && recipient->text().size() != size)
    std::abort();
  (void)Identity::parse(as_text(bytes));
  return 0;
}
