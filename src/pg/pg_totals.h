// What all spaces hold together. Private to src/pg.
#pragma once

#include "pg/pg_connection.h"
#include "space/catalog.h"

namespace qrx::pg {

// As any node counted it within the last second, or counted now.
Result<space::Catalog::Totals> read_totals(Connection& connection);
// Spaces that count other bytes than their rows have. Slow: only for a check that an operator asks for.
Result<std::uint64_t> count_wrong_sums(Connection& connection);

}  // namespace qrx::pg
