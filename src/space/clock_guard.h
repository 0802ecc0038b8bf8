// Whether the wall clock can be believed: what is deleted by a wrong clock is gone. Private to src/space.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "space/context.h"

namespace qrx::space {

// One caller at a time.
class ClockGuard {
 public:
  explicit ClockGuard(Context& context) : context_(context) {}

  // At a start: a catalog that no sweep was ever made over has this clock as the one to compare with.
  Result<void> begin();

  // Compares how far the wall clock and the steady clock went since the last call. Kind::unavailable, with a hint, when
  // they differ by over an hour, until the clock is set right or has gone on evenly for an hour.
  Result<void> trust();

 private:
  Result<std::optional<std::string>> noted() const;
  Result<void> note(const std::string& text);

  Context& context_;
  // Of many machines: their steady clocks have nothing in common, so each compares with its own last call. Of one it
  // stands in the catalog, over restarts.
  std::optional<std::string> own_;
};

}  // namespace qrx::space
