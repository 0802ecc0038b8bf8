// A page to print with the code of an inbox on it (qrx-recv --poster).
#pragma once

#include <string>

#include "base/result.h"
#include "qr/symbol.h"
#include "wire/link.h"

namespace qrx::cli {

// .svg, .pdf or .png; Kind::usage for another ending.
Result<void> check_poster_name(const std::string& path);

// `name`: whom people send to; as it came. `words`: the four of the link. Drawn by a helper (qrx-poster); blocks for a
// second or so. A file that is there is replaced as a whole.
Result<void> write_poster(const std::string& path, const std::string& name, const wire::DropLink& drop,
                          const std::string& words, const qr::Symbol& symbol);

}  // namespace qrx::cli
