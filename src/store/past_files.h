// What is kept of files that were cleared, for their senders, in SQLite. Private to src/store.
#pragma once

#include <optional>
#include <vector>

#include "space/model.h"
#include "store/sqlite.h"

namespace qrx::store {

// Those that are about to become past ones, too (removal_sql.h).
Result<std::optional<space::FileRow>> read_past_file(Connection& connection, const Id& file);
Result<std::vector<space::FileRow>> read_past_files(Connection& connection, const Id& delivery);

}  // namespace qrx::store
