// The rows of files. Private to src/pg.
#pragma once

#include <span>

#include "pg/pg_connection.h"
#include "space/model.h"

namespace qrx::pg {

// Inserted or replaced, all with few ways to the server and back. False: it failed.
bool write_files(Connection& connection, std::span<const space::FileRow> rows);
// Whether another file of its delivery has the blob of this one.
Result<bool> has_shared_blob(Connection& connection, const Id& file);

}  // namespace qrx::pg
