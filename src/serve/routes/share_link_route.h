// A share's link, for its recipient: what there is, one file, everything. Looking changes nothing; a download counts
// when its last byte was taken.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply show_link(const SharedCall& call);         // GET /d/{token}
front::Reply mark_link_opened(const SharedCall& call);  // POST /d/{token}/opened
front::Reply send_link_file(const SharedCall& call);    // GET/POST /d/{token}/files/{item}
front::Reply send_link_all(const SharedCall& call);     // GET/POST /d/{token}/all.zip

}  // namespace qrx::serve
