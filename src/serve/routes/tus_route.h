// tus 1.0: creation, creation-with-upload, creation-defer-length, expiration, checksum, termination, concatenation.
// What is not supported is answered 400, 403 or 412: clients try 5xx, 409, 423 and 429 again and again.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply tus_options(const SharedCall& call);
front::Reply create_upload(const SharedCall& call);
front::Reply show_upload(const SharedCall& call);
front::Reply append_upload(const SharedCall& call);
front::Reply remove_upload(const SharedCall& call);

}  // namespace qrx::serve
