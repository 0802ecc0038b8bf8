// What goes wrong, as HTTP says it: the table of kinds and statuses, and the bodies (RFC 9457, or a page for browsers).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/message.h"
#include "serve/pages/language.h"
#include "serve/pages/pages.h"

namespace qrx::serve {

int status_of(Kind kind);
std::string_view title_of(int status);  // "not found"

// Who asks, and how the answer to it is to look.
struct Asker {
  bool browser = false;    // Accept names text/html
  bool terminal = false;   // Accept names neither that nor JSON, as curl's: a line of text
  std::string request_id;  // told in problems, so that a report finds its line in the log; empty: not told
  Look look = {};          // of a page for a browser
};

// Nothing of the inside leaves: errors of the machine (other, no_room, unavailable) get a general sentence. An unknown
// space and a wrong token are the same bytes, so a 404 has no request id.
http::Answer problem(const Asker& asker, const Error& error, int status = 0);  // 0: by the kind
// `saying`: what a page for a browser says instead of `detail`.
http::Answer problem(const Asker& asker, int status, std::string_view detail, Saying saying = Saying::by_status);
http::Answer too_many(const Asker& asker, std::string_view detail, Seconds retry_after);  // 429

}  // namespace qrx::serve
