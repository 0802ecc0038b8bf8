// Whether what stands between a node and its database carries what a node needs: transactions, and every NOTIFY to
// whoever said LISTEN. Private to src/pg.
#pragma once

#include <string>

#include "pg/pg_connection.h"

namespace qrx::pg {

// At the start, with a connection to --catalog; `listen_dsn` is --catalog-listen, or empty. Kind::usage: there is a
// pooler in a mode that cannot work, or --catalog-listen is another database. Kind::unavailable: it cannot be found out
// now. Takes up to ten seconds when something is wrong, else a few ways to the server and back.
Result<void> check_pooler(Connection& connection, const std::string& dsn, const std::string& listen_dsn);

}  // namespace qrx::pg
