// The files that pages load, as the build made them.
#pragma once

#include "serve/call.h"

namespace qrx::serve {

front::Reply show_asset(const SharedCall& call);         // GET /assets/{name}
front::Reply show_app_manifest(const SharedCall& call);  // GET /app.webmanifest
front::Reply show_app_worker(const SharedCall& call);    // GET /app_worker.js

}  // namespace qrx::serve
