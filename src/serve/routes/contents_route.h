// Many small files of a committed delivery in one answer, for its owner.
#pragma once

#include "front/exchange.h"
#include "serve/call.h"

namespace qrx::serve {

front::Reply send_contents(const SharedCall& call);

}  // namespace qrx::serve
