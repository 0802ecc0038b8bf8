// Pictures to be shown or printed, as ordinary files.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

// With the mode that new files have. One that is there is replaced as a whole, or stays as it is.
Result<void> replace_picture_file(const std::string& path, std::string_view content);

}  // namespace qrx::cli
