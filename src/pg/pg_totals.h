// What all spaces hold together. Private to src/pg.
#pragma once

#include "pg/pg_connection.h"
#include "space/catalog.h"

namespace qrx::pg {

// As any node counted it within the last second, or counted now.
Result<space::Catalog::Totals> read_totals(Connection& connection);

}  // namespace qrx::pg
