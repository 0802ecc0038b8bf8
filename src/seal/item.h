// What both ends of a sealed delivery know of an item beyond age itself: its tag, and how much of it is plain.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "seal/primitives.h"

namespace qrx::seal {

// What only those know who can open an item: 32 hex digits in the manifest, so that a server can neither exchange items
// nor write a manifest of its own for them.
Result<std::string> item_tag(const Key& payload_key);

// Plain bytes that the first `sealed` bytes of a sealed file stand for, for progress displays: exact for a whole file
// with one X25519 recipient.
std::uint64_t plain_part(std::uint64_t sealed);

}  // namespace qrx::seal
