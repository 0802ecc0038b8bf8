// The file of tokens that may open spaces.
#pragma once

#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/result.h"

namespace qrx::serve {

// One a line, '#' comments; as hashes. The file must be closed to others (0600): Kind::usage.
Result<std::vector<Sha256Sum>> read_create_tokens(const std::string& path);

}  // namespace qrx::serve
