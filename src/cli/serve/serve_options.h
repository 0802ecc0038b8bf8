// From what was said to qrx-serve to what its server is made of.
#pragma once

#include "base/result.h"
#include "cli/config_file.h"
#include "cli/serve/serve_settings.h"
#include "serve/operations/daemon.h"

namespace qrx::cli {

// Kind::usage: what was said contradicts itself, or is not a value for that option.
Result<serve::DataOptions> data_options(const ServeSettings& settings);
Result<serve::DaemonOptions> daemon_options(const ServeSettings& settings, const Config& config);

}  // namespace qrx::cli
