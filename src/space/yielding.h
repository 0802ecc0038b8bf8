// Open deliveries that make room for others. Private to src/space.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "space/live.h"

namespace qrx::space {

// From here on nobody adds to it, and nobody writes its uploads, though the lock of the space is let go before its
// rows.
struct Yielding {
  DeliveryPtr delivery;
  std::vector<UploadPtr> locked;
};

// Of a newcomer's open delivery: nothing when there is room for it. When none may yield: Kind::too_many of who has
// its share of them, else Kind::no_room_now.
Result<std::optional<Yielding>> find_yielding(const SpaceLock&, LiveSpace& live, const std::string& peer, Steady now);

// Of files or bytes that do not fit: the one with small files that was idle longest, and for long enough. Many nodes
// hold small files as they hold uploads, acknowledged: there is none.
std::optional<Yielding> find_forsaken(const SpaceLock&, LiveSpace& live, Steady now);

// Whether `wish` fits beside what is there; announced is not there.
bool fits_now(const SpaceLock&, const LiveSpace& live, const Use& wish);
// Whether `wish` would fit if no other open delivery than `delivery` held small files: those are delivered soon, or go.
bool fits_without_others(const SpaceLock&, const LiveSpace& live, const Id& delivery, const Use& wish);

}  // namespace qrx::space
