// What is kept of files that were cleared, for their senders, in PostgreSQL. Private to src/pg.
#pragma once

#include <optional>
#include <vector>

#include "pg/pg_connection.h"
#include "store/row_fields.h"

namespace qrx::pg {

// A committed delivery and its files, which become past files; of older deliveries of its space all is forgotten that
// is too much. Nothing when it is not there, or not committed. In a transaction that has locked the space.
Result<std::optional<store::Cleared>> clear_delivery(Connection& connection, const Id& delivery);

Result<std::optional<space::FileRow>> read_past_file(Connection& connection, const Id& file);
Result<std::vector<space::FileRow>> read_past_files(Connection& connection, const Id& delivery);

}  // namespace qrx::pg
