// What became of a delivery, told by the owner of its space, and the end of what is no longer needed of it.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply record_receipt(const SharedCall& call);  // POST /api/v1/spaces/{guid}/deliveries/{item}/receipt
front::Reply clear_delivery(const SharedCall& call);  // DELETE /api/v1/spaces/{guid}/deliveries/{item}/contents

}  // namespace qrx::serve
