// What has expired goes, while the clock can be trusted.
// Private to src/space.
#pragma once

#include <stop_token>

#include "space/outcomes.h"
#include "space/rules.h"

namespace qrx::space {

Result<Swept> sweep(Rules& rules, const std::stop_token& stop);

}  // namespace qrx::space
