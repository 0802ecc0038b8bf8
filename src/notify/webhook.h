// A plain webhook: POST of one JSON object, signed in the manner of Standard Webhooks (standardwebhooks.com) where the
// table has a secret. Table webhook: hosts, allow_http, secret_file.
#pragma once

#include "notify/transport.h"

namespace qrx::notify {

// Kind::usage when secret_file says whsec_ and what follows is not base64.
MadeTransport make_webhook(const Settings& settings);

}  // namespace qrx::notify
