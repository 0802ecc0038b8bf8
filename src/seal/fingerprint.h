// Four short words that both ends show for one drop link, so that a code stuck over another is noticed.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::seal {

// "amber-canoe-fox-tulip" for where the link leads (host, or host:port when the port is not the scheme's own), the
// space's GUID as text, and the recipient's text ("age1…", or "" when the space has no key). Letter case of all three
// does not matter. 40 bits of scrypt (N = 2^14, r = 8, p = 1; 16 MiB, some 50 ms): whoever wants another link with the
// same words may choose GUIDs freely, and a plain hash would be searched through in minutes.
Result<std::string> fingerprint(std::string_view authority, std::string_view guid, std::string_view recipient);

// Are these the same words? Case, and what stands between the words (blanks, dashes, commas, dots), do not matter.
bool same_words(std::string_view a, std::string_view b);

}  // namespace qrx::seal
