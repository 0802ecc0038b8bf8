// Transactions, tried until they are committed, or it is known that they are not. Private to src/pg.
#pragma once

#include <functional>

#include "pg/crash_mark.h"
#include "pg/pg_counts.h"
#include "pg/pg_pool.h"
#include "space/catalog.h"

namespace qrx::pg {

// What `work` makes of the catalog, committed when this returns. The rest as of PgCatalog.
Result<void> run_change(Pool& pool, PgCounts& counts, const CrashMark& crashes, space::Durability durability,
                        const std::function<Result<void>(space::Transaction&)>& work, Millis give_up_after);

}  // namespace qrx::pg
