// The content of files, for their owner: stored ones with ranges and sums, growing ones as they come.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply send_file(const SharedCall& call);
front::Reply send_file_to_form(const SharedCall& call);  // a browser's download: the token is a field of the form

}  // namespace qrx::serve
