// The server's counters as Prometheus reads them (text format 0.0.4).
#pragma once

#include <string>

#include "front/server.h"
#include "serve/site.h"
#include "space/catalog.h"

namespace qrx::serve {

std::string metrics_text(const front::Server::Counts& counts, const Site& site,
                         const Result<space::Catalog::Totals>& totals);

}  // namespace qrx::serve
