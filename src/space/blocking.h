// What an operator does against a space that should not be there.
// Private to src/space.
#pragma once

#include "space/rules.h"

namespace qrx::space {

Result<void> block(Rules& rules, const Guid& guid);  // as Spaces::block()

}  // namespace qrx::space
