// ntfy (docs.ntfy.sh/publish): a JSON message to the root of the server.
// Table ntfy: url; token_file, or user and password_file.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

MadeTransport make_ntfy(const Settings& settings);

}  // namespace qrx::notify
