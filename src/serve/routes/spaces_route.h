// Spaces, for their owners: open, watch, extend, close, delete.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply create_space(const SharedCall& call);  // POST /api/v1/spaces
front::Reply show_space(const SharedCall& call);    // GET /api/v1/spaces/{guid}
front::Reply change_space(const SharedCall& call);  // PATCH /api/v1/spaces/{guid}
front::Reply remove_space(const SharedCall& call);  // DELETE /api/v1/spaces/{guid}
front::Reply end_upload(const SharedCall& call);    // DELETE /api/v1/spaces/{guid}/uploads/{item}
front::Reply end_delivery(const SharedCall& call);  // DELETE /api/v1/spaces/{guid}/deliveries/{item}

}  // namespace qrx::serve
