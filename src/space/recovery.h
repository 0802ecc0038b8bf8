// What a start puts right, before anything is served.
// Private to src/space.
#pragma once

#include <stop_token>

#include "space/outcomes.h"
#include "space/rules.h"

namespace qrx::space {

Result<Recovered> recover(Rules& rules, const std::stop_token& stop);

}  // namespace qrx::space
