// The sums of one file while its bytes come by: XXH3-128 always, SHA-256 where it was asked for.
#pragma once

#include <optional>

#include "base/bytes.h"
#include "base/checksum.h"

namespace qrx {

struct Sums {
  Xxh128Sum xxh128{};
  std::optional<Sha256Sum> sha256;
};

// Not thread-safe; movable.
class RunningSums {
 public:
  explicit RunningSums(bool with_sha256);
  void reset();
  void update(ByteView bytes);
  Sums sums() const;  // of all bytes so far; the state goes on
  const Xxh128& xxh128() const { return xxh128_; }

 private:
  Xxh128 xxh128_;
  std::optional<Sha256> sha256_;
};

// Of bytes that are all there.
Sums sums_of(ByteView bytes, bool with_sha256);

}  // namespace qrx
