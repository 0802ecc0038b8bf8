// What became of a delivery, told by the owner of its space.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply record_receipt(const SharedCall& call);

}  // namespace qrx::serve
