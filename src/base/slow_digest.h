// A sum of a secret that somebody else will see.
#pragma once

#include <array>
#include <cstddef>

#include "base/bytes.h"

namespace qrx {

// scrypt: so slow (about 0.1 s, 32 MiB) that trying many secrets is dear; of the same secret another one for each salt.
// All zeros when there is no memory for it.
std::array<std::byte, 32> slow_digest(ByteView secret, ByteView salt);

}  // namespace qrx
