// Whether the wall clock can be believed: what is deleted by a wrong clock is gone. Private to src/space.
#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "space/catalog.h"

namespace qrx::space {

// Compares how far the wall clock and the steady clock went since the last call, over restarts too (a note in the
// catalog). Kind::unavailable, with a hint, when they differ by over an hour, until the clock is set right or has gone
// on evenly for an hour. One caller at a time.
Result<void> trust_clock(Catalog& catalog, const Clock& clock);

// False when no call was ever made over this catalog.
bool clock_is_noted(Catalog& catalog);

}  // namespace qrx::space
