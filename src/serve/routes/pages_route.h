// The pages that belong to no space: the receiver's and the scanner. What they show is fetched by their scripts.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply show_home(const SharedCall& call);        // GET /
front::Reply show_owner_page(const SharedCall& call);  // GET /s/{guid}
front::Reply show_scan_page(const SharedCall& call);   // GET /scan
// POST /share: no service worker took it, and the server has no place for it.
front::Reply refuse_shared(const SharedCall& call);

}  // namespace qrx::serve
