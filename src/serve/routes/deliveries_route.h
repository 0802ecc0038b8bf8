// Several files as one: open a delivery, hand over small files, look, commit, cancel.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply create_delivery(const SharedCall& call);      // POST /u/{guid}/deliveries
front::Reply show_delivery(const SharedCall& call);        // GET /u/{guid}/deliveries/{item}
front::Reply cancel_delivery(const SharedCall& call);      // DELETE /u/{guid}/deliveries/{item}
front::Reply commit_delivery(const SharedCall& call);      // POST /u/{guid}/deliveries/{item}/commit
front::Reply put_delivery_file(const SharedCall& call);    // PUT /u/{guid}/deliveries/{item}/files/{name}
front::Reply post_delivery_files(const SharedCall& call);  // POST /u/{guid}/deliveries/{item}/files

}  // namespace qrx::serve
