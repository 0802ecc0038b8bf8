#include "pg/pg_totals.h"

#include "pg/pg_reading.h"

namespace qrx::pg {
namespace {

space::Catalog::Totals take(Statement& row) {
  space::Catalog::Totals totals;
  totals.spaces = row.next_number();
  totals.bytes = row.next_number();
  return totals;
}

}  // namespace

// Counting reads all spaces (each counts what it holds, so that it is no sum over files), and every node asks once a
// second while it takes something. So whoever counts leaves the sum for the others: all of them together count about
// once a second. A row of sums that every change keeps up to date would be the one row that all changes wait for.
Result<space::Catalog::Totals> read_totals(Connection& connection) {
  Statement known = connection.prepare(
      "SELECT spaces,bytes FROM totals WHERE counted BETWEEN clock_timestamp()-interval '1 second' AND "
      "clock_timestamp()");
  if (known.step()) return take(known);
  if (known.failed()) return connection.failure().error(reading);
  Statement counted = connection.prepare(
      "INSERT INTO totals(counted,spaces,bytes) "
      "SELECT clock_timestamp(),count(*),coalesce(sum(bytes+texts),0)::bigint FROM spaces WHERE phase<>2 "
      "ON CONFLICT(one) DO UPDATE SET counted=excluded.counted,spaces=excluded.spaces,bytes=excluded.bytes "
      "RETURNING spaces,bytes");
  if (!counted.step()) return connection.failure().error(reading);
  return take(counted);
}

Result<std::uint64_t> count_wrong_sums(Connection& connection) {
  return take_number(connection,
                     // Reads all rows of files and uploads. Of a space that is dying nothing counts.
                     connection.prepare("SELECT count(*) FROM spaces s WHERE phase<>2 AND bytes<>"
                                        "(SELECT coalesce(sum(size),0) FROM files f WHERE f.guid=s.guid)+"
                                        "(SELECT coalesce(sum(\"offset\"),0) FROM uploads u WHERE u.guid=s.guid)"));
}

}  // namespace qrx::pg
