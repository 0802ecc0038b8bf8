// What the operator of this machine asks for by the control socket: sweep, check, look at spaces, block and delete
// them.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply sweep_now(const SharedCall& call);         // POST /control/sweep
front::Reply check_now(const SharedCall& call);         // POST /control/check
front::Reply list_all_spaces(const SharedCall& call);   // GET /control/spaces
front::Reply block_any_space(const SharedCall& call);   // PATCH /control/spaces/{guid}
front::Reply delete_any_space(const SharedCall& call);  // DELETE /control/spaces/{guid}

}  // namespace qrx::serve
