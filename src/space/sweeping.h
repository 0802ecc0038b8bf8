// What has expired goes, while the clock can be trusted.
// Private to src/space.
#pragma once

#include <stop_token>

#include "space/outcomes.h"
#include "space/rooms.h"

namespace qrx::space {

Result<Swept> sweep(Rooms& rooms, const std::stop_token& stop);

}  // namespace qrx::space
