// Shares, for the owner of a space: hand out links, see what became of them, take them back.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply create_shares(const SharedCall& call);  // POST /api/v1/spaces/{guid}/shares
front::Reply list_shares(const SharedCall& call);    // GET /api/v1/spaces/{guid}/shares
front::Reply revoke_shares(const SharedCall& call);  // DELETE /api/v1/spaces/{guid}/shares
front::Reply show_share(const SharedCall& call);     // GET /api/v1/spaces/{guid}/shares/{item}
front::Reply report_share(const SharedCall& call);   // PATCH /api/v1/spaces/{guid}/shares/{item}
front::Reply revoke_share(const SharedCall& call);   // DELETE /api/v1/spaces/{guid}/shares/{item}

}  // namespace qrx::serve
