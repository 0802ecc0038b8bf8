// Looking after inboxes and kept spaces (kept_wish.h).
#pragma once

#include "cli/recv/recv_settings.h"

namespace qrx::cli {

// The whole run; gives the exit code. REQUIRES: settings.kept.any().
int care_for_kept(const RecvSettings& settings);

}  // namespace qrx::cli
