// tus 1.0: creation, creation-with-upload, creation-defer-length, expiration, checksum, termination, concatenation.
// What is not supported is answered 400, 403 or 412: clients try 5xx, 409, 423 and 429 again and again.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply tus_options(const SharedCall& call);    // OPTIONS /u/{guid}/uploads, OPTIONS /u/{guid}/uploads/{item}
front::Reply create_upload(const SharedCall& call);  // POST /u/{guid}/uploads
front::Reply show_upload(const SharedCall& call);    // HEAD /u/{guid}/uploads/{item}
front::Reply append_upload(const SharedCall& call);  // PATCH /u/{guid}/uploads/{item}
front::Reply remove_upload(const SharedCall& call);  // DELETE /u/{guid}/uploads/{item}

}  // namespace qrx::serve
