// What is in one picture: decoded, searched, and told as a report. Runs in the sandbox.
// Private to src/vision and the helper that reads pictures.
#pragma once

#include <cstddef>
#include <vector>

#include "vision/scan_report.h"
#include "vision/search_options.h"

namespace qrx::vision {

// `options` say what is looked for and for how long; what depends on the picture is filled in here.
ScanReport scan_bytes(const std::vector<std::byte>& bytes, SearchOptions options);

}  // namespace qrx::vision
