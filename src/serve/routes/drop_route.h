// The drop link: what a sender may know, and one file in one request (curl -T).
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply show_drop(const SharedCall& call);  // GET /u/{guid}
front::Reply put_file(const SharedCall& call);   // PUT /u/{guid}, PUT /u/{guid}/{name}

}  // namespace qrx::serve
