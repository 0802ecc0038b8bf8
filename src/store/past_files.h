// What is kept of files that were cleared, for their senders, in SQLite. Private to src/store.
#pragma once

#include <optional>
#include <vector>

#include "store/row_fields.h"
#include "store/sqlite.h"

namespace qrx::store {

// A committed delivery and its files, which become past files; of older deliveries of its space all is forgotten that
// is too much. Nothing when it is not there, or not committed. In a transaction, which fails with it.
Result<std::optional<Cleared>> clear_delivery(Connection& connection, const Id& delivery);

Result<std::optional<space::FileRow>> read_past_file(Connection& connection, const Id& file);
Result<std::vector<space::FileRow>> read_past_files(Connection& connection, const Id& delivery);

}  // namespace qrx::store
