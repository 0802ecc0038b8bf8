// exec:NAME:ADDRESS: a command of the configuration, with the notice as one JSON object on its stdin.
// Table exec.NAME: command, timeout (30 s).
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// The object: v, id, to, from, message, summary, link, subject, text, and expires where there is one (RFC 3339). The
// outcome is that of run_command().
MadeTransport make_exec(const Settings& settings);

}  // namespace qrx::notify
