// The [notify] tables of a configuration file (qrx-serve.toml(5)), for whoever sends notices: qrx-serve, and qrx-share
// with --via local.
#pragma once

#include "base/result.h"
#include "cli/config_file.h"
#include "notify/courier.h"

namespace qrx::cli {

// Checked (notify/settings.h). Kind::usage names the table and the key. A file without such tables gives no transport.
Result<notify::Settings> notify_settings(const Config& config);

}  // namespace qrx::cli
