// A page to print with the code of an inbox on it (qrx-recv --poster).
#pragma once

#include <string>

#include "base/result.h"
#include "qr/symbol.h"
#include "wire/link.h"

namespace qrx::cli {

// .svg, .pdf or .png; Kind::usage for another ending.
Result<void> check_poster_name(const std::string& path);

struct PosterText {
  std::string name;   // whom people send to; as it came
  std::string words;  // the four of the link
  std::string help;   // one more line: what to try when it does not work; or empty
};

// Drawn by a helper (qrx-poster); blocks for a second or so. A file that is there is replaced as a whole.
Result<void> write_poster(const std::string& path, const PosterText& text, const wire::DropLink& drop,
                          const qr::Symbol& symbol);

// The help for what only a built-in server takes.
std::string help_with_own_server(const wire::Origin& server);

}  // namespace qrx::cli
