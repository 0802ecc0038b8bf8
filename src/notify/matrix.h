// Matrix, client-server API v3 (spec.matrix.org): into a room, or into the direct room with somebody, which is made
// when there is none. Table matrix: url, token_file.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// A notice that is sent twice arrives once: its id is the transaction id.
MadeTransport make_matrix(const Settings& settings);

}  // namespace qrx::notify
