// What a file is by its first bytes, never by its name; and whether it may be in a space that takes sealed files only.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "wire/sniff.h"

namespace qrx::space {

using wire::sniff;
using wire::Sniffed;
using wire::sniffed_bytes;

// For spaces that take sealed files only: the binary form of age v1, which is what receivers open. Pure.
bool is_sealed(ByteView beginning);
bool may_be_sealed(std::uint64_t offset, ByteView bytes);  // could these bytes stand there in such a file?
tl::unexpected<Error> sealed_only();                       // Kind::denied

}  // namespace qrx::space
