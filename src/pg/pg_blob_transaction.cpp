#include "pg/pg_blob_transaction.h"

#include "pg/pg_reading.h"

namespace qrx::pg {

using space::BlobKey;

void PgBlobTransaction::discard(const BlobKey& blob) {
  if (!ok()) return;
  Statement statement = by_id(connection_, "INSERT INTO trash(blob) VALUES(?) ON CONFLICT DO NOTHING", blob);
  run(statement);
}

// No space is locked for it: two nodes that strike out the same row do no harm.
void PgBlobTransaction::forget_trash(const BlobKey& blob) {
  if (!ok()) return;
  Statement statement = by_id(connection_, "DELETE FROM trash WHERE blob=?", blob);
  run(statement);
}

void PgBlobTransaction::forget_extents(const BlobKey& blob) {
  if (!ok()) return;
  Statement extents = by_id(connection_, "DELETE FROM segments WHERE blob=?", blob);
  run(extents);
}

void PgBlobTransaction::put_extents(const BlobKey& blob, const space::Extents& extents) {
  for (const space::Extent& extent : extents) {
    if (!ok()) return;
    // By the time of the database: this node may have stood still since it looked at a clock.
    Statement statement = by_id(connection_,
                                "INSERT INTO segments(blob,first,size,object,at) SELECT ?,?,?,?,? "
                                "WHERE ?6::bigint IS NULL "
                                "OR clock_timestamp()<to_timestamp(?6/1000.0)",
                                blob);
    statement.number(extent.first).number(extent.size).text(extent.object).number(extent.at);
    store::bind_time(statement, extent.until);
    if (changes(statement) == 0 && ok())
      refuse({Kind::unavailable, "the store has had these bytes for too long: send them again", {}});
  }
}

}  // namespace qrx::pg
