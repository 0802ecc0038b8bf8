// What a start puts right, before anything is served.
// Private to src/space.
#pragma once

#include <stop_token>

#include "space/outcomes.h"
#include "space/rooms.h"

namespace qrx::space {

Result<Recovered> recover(Rooms& rooms, const std::stop_token& stop);

}  // namespace qrx::space
