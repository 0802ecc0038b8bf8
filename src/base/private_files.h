// Small files that nobody else may read: keys, tokens, what goes on when a run ends early.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx {

// Mode 0700, with those above it. What is there already must be a directory, and keeps its mode.
Result<void> make_private_directories(const std::string& path);

// `path` has a directory in it. Mode 0600, on the disk when it returns. A file that is there is replaced as a whole, or
// stays as it is.
Result<void> replace_private_file(const std::string& path, std::string_view text);

}  // namespace qrx
