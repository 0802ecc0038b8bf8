// What became of a delivery, told by the owner of its space, and the end of what is no longer needed of it.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply record_receipt(const SharedCall& call);
front::Reply clear_delivery(const SharedCall& call);

}  // namespace qrx::serve
