// What qrx-serve does instead of serving: sweep, check, list, block and delete, beside a running server or without one;
// and migrate.
#pragma once

#include "cli/config_file.h"
#include "cli/serve/serve_settings.h"
#include "cli/user_messages.h"

namespace qrx::cli {

// Each tells its result on stdout (an event a line with --json), says what is wrong, and gives the exit status.
int run_sweep(const ServeSettings& settings, Messages& messages);  // silent when all is well: cron mails what is said
int run_check(const ServeSettings& settings, Messages& messages);
// check --notify: one notice, by the transports as the server would use them.
int run_notify_check(const ServeSettings& settings, const Config& config, Messages& messages);
int run_list(const ServeSettings& settings, Messages& messages);
// block and delete: each space that is named, whatever became of the others.
int run_change(const ServeSettings& settings, Messages& messages);
int run_migrate(const ServeSettings& settings, Messages& messages);  // of a catalog in PostgreSQL

// Says what is wrong; the exit status for it.
int report_failure(Messages& messages, const Error& error);

}  // namespace qrx::cli
