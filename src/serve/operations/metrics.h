// What the server counts, for those who watch it.
#pragma once

#include "base/measure.h"
#include "front/server.h"
#include "serve/operations/data.h"
#include "serve/site.h"

namespace qrx::serve {

// What the front, the rules, the catalog and the store of contents tell of themselves.
Measures measures_of(const front::Server::Counts& counts, const Site& site, Data& data);

}  // namespace qrx::serve
