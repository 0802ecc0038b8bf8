// A link or token from where no list of processes shows it: the first line of a file or of stdin.
#pragma once

#include <string>

#include "base/result.h"

namespace qrx::cli {

// Without blanks at its ends; may be empty. At most 4 KiB.
Result<std::string> secret_from_stdin();

// Kind::denied when others than the owner may read the file: what they can read is no secret.
Result<std::string> secret_from_file(const std::string& path);

}  // namespace qrx::cli
