// The tables of the catalog in PostgreSQL, version by version. Private to src/pg.
#pragma once

#include <cstdint>

#include "pg/pg_connection.h"

namespace qrx::pg {

inline constexpr std::int64_t schema_version = 7;
// The oldest version of the program that may write what this one has made.
inline constexpr std::int64_t writes_since = 1;

// Makes the tables in a database without any: true. Kind::usage: a newer qrx made them, and says that this one is too
// old. Kind::unavailable: an older one did, and they are to be brought up to date first.
Result<bool> check_schema(Connection& connection);
// Brings the tables up to date, one process at a time; true: there was something to do.
Result<bool> migrate_schema(Connection& connection);

}  // namespace qrx::pg
