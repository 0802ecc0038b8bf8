// A form from a browser without script: all its files are one delivery, its field "note" (or "message") is the
// delivery's message.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply post_form(const SharedCall& call);  // POST /u/{guid}

}  // namespace qrx::serve
