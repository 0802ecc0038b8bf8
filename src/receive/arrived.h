// What became of a file whose bytes are all here.
#pragma once

#include <cstdint>
#include <string>

#include "base/checksum.h"
#include "base/running_sums.h"

namespace qrx::receive {

struct Arrived {
  std::uint64_t size = 0;  // of what it holds
  Sums sums;               // likewise
  Xxh128Sum wire_sum{};    // of the bytes that the server has
  std::string tag;         // item_tag() of what was opened; empty: it came as it is

  bool opened() const { return !tag.empty(); }
};

}  // namespace qrx::receive
