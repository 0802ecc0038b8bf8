// The page itself, A4: by cairo, and its texts, in whatever script they are, by pango.
#pragma once

#include <string>

#include "base/result.h"
#include "poster/poster_page.h"

namespace qrx::poster {

// The bytes of the file: SVG, PDF, or PNG with 200 dots an inch.
Result<std::string> draw(const PosterPage& page);

}  // namespace qrx::poster
