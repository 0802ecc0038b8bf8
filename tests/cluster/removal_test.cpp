// What is gone goes in steps, in PostgreSQL as in SQLite.
#include "cluster/pg_database.h"
#include "unit/catalog_removal.h"

using namespace qrx;
using namespace qrx::test;

TEST_CASE("in PostgreSQL what has many rows is gone at once, and its rows go some at a time") {
  const Database database;
  const auto catalog = open_catalog(database);
  check_removal(*catalog);
}
