// How long a wait may last until a deadline.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace qrx {

// For poll(2): milliseconds, rounded up, so that who waits so long is not early; 0 when it is over, -1 (for ever)
// without a deadline.
inline int milliseconds_left(const std::optional<Steady>& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<Millis>(*deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30));
}

}  // namespace qrx
