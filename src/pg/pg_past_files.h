// What is kept of files that were cleared, for their senders, in PostgreSQL. Private to src/pg.
#pragma once

#include <optional>
#include <vector>

#include "pg/pg_connection.h"
#include "space/model.h"

namespace qrx::pg {

// Those that are about to become past ones, too (store/removal_sql.h).
Result<std::optional<space::FileRow>> read_past_file(Connection& connection, const Id& file);
Result<std::vector<space::FileRow>> read_past_files(Connection& connection, const Id& delivery);
Result<std::vector<space::GoneDelivery>> read_gone_deliveries(Connection& connection);

}  // namespace qrx::pg
