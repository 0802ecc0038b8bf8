// qrx-serve copy: the data of one server into those of another.
#pragma once

#include "cli/serve/serve_settings.h"
#include "cli/user_messages.h"

namespace qrx::cli {

// From --from to where the other options lead. Tells its progress and its result, and gives the exit status.
int run_copy(const ServeSettings& settings, Messages& messages);

}  // namespace qrx::cli
