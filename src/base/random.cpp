#include "base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace qrx {

void fill_random(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    // Keys and tokens are made of this: going on with anything else would make them guessable.
    if (got <= 0) std::abort();
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace qrx
