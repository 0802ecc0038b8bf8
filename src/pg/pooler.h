// Whether what stands between a node and its database carries what a node needs: transactions, and every NOTIFY to
// whoever said LISTEN. Private to src/pg.
#pragma once

#include <memory>
#include <string>

#include "pg/pg_connection.h"

namespace qrx::pg {

// The first connection to --catalog; `listen_dsn` is --catalog-listen, or empty. Kind::usage: one of them is no
// address, or has a password in it; there is a pooler in a mode that cannot work; or --catalog-listen is another
// database. Kind::unavailable: it cannot be reached. Takes up to ten seconds when something is wrong with the pooler,
// else a few ways to the server and back.
Result<std::unique_ptr<Connection>> open_checked(const std::string& dsn, const std::string& listen_dsn);

}  // namespace qrx::pg
