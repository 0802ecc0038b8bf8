// What was said of contents in an S3 store, checked.
#pragma once

#include "base/result.h"
#include "cli/serve/serve_settings.h"
#include "serve/operations/objects.h"

namespace qrx::cli {

// Of --blobs s3://… and what belongs to it; without a module when contents are files. `data`: the data directory.
Result<serve::ObjectsOptions> objects_options(const ServeSettings& settings, const std::string& data);

}  // namespace qrx::cli
