// A line in the log for each request, when its answer is known.
#pragma once

#include "front/exchange.h"
#include "serve/call.h"

namespace qrx::serve {

// The same reply; whatever answer it comes to in the end is told to the log.
front::Reply logged(front::Reply reply, const SharedCall& call);

}  // namespace qrx::serve
