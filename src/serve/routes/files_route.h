// The content of files, for their owner: stored ones with ranges and sums, growing ones as they come.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply send_file(const SharedCall& call);          // GET /api/v1/spaces/{guid}/files/{item}
front::Reply send_file_to_form(const SharedCall& call);  // POST to the same: the token is a field of the form

}  // namespace qrx::serve
