// A text from outside, of several lines, for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace qrx::cli {

// As escape_untrusted() of base/text.h, but line ends (LF, CR LF) and tabs stay, and the last line has an end.
std::string readable_text(std::string_view text);

}  // namespace qrx::cli
