// The content type of a file by its first bytes, never by its name.
#pragma once

#include <string_view>

#include "base/bytes.h"

namespace qrx::wire {

inline constexpr std::size_t sniffed_bytes = 512;  // more of the beginning changes nothing

struct Sniffed {
  std::string_view type;  // "image/png"; "application/octet-stream" when nothing better is known
  bool sealed = false;    // an age v1 file
};

// `beginning` is the file's first bytes, `whole` whether there are no more. Pure.
Sniffed sniff(ByteView beginning, bool whole);

}  // namespace qrx::wire
