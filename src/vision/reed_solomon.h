// Reed-Solomon over GF(256) with the polynomial 0x11D, as QR codes use it: corrects errors, and twice as many erasures,
// which are codewords known to be doubtful. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace qrx::vision {

// Corrects block in place; its last check bytes are the check symbols. erasures: indices of doubtful bytes, fewer than
// check. spare: how many check symbols must be left over as proof; with s of them, noise passes once in 256^s. False:
// the block could not be corrected and is as it was.
bool correct_block(std::span<std::uint8_t> block, std::size_t check, std::span<const std::size_t> erasures,
                   std::size_t spare);

}  // namespace qrx::vision
