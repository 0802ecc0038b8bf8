// The content type of a file by its first bytes, never by its name.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace qrx::space {

inline constexpr std::size_t sniffed_bytes = 512;  // more of the beginning changes nothing

struct Sniffed {
  std::string_view type;  // "image/png"; "application/octet-stream" when nothing better is known
  bool sealed = false;    // an age v1 file
};

// `beginning` is the file's first bytes, `whole` whether there are no more. Pure.
Sniffed sniff(ByteView beginning, bool whole);

// For spaces that take sealed files only: the binary form of age v1, which is what receivers open. Pure.
bool is_sealed(ByteView beginning);
bool may_be_sealed(std::uint64_t offset, ByteView bytes);  // could these bytes stand there in such a file?
tl::unexpected<Error> sealed_only();                       // Kind::denied

}  // namespace qrx::space
