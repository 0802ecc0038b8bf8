#include "store/blob_transaction.h"

#include "store/columns.h"
#include "store/extent_columns.h"

namespace qrx::store {

using space::BlobKey;

void BlobTransaction::discard(const BlobKey& blob) {
  if (!ok()) return;
  Statement statement = by_id(connection_, "INSERT INTO trash(blob) VALUES(?) ON CONFLICT DO NOTHING", blob);
  statement.step();
  note(statement.code());
}

void BlobTransaction::forget_trash(const BlobKey& blob) {
  if (!ok()) return;
  Statement statement = by_id(connection_, "DELETE FROM trash WHERE blob=?", blob);
  statement.step();
  note(statement.code());
}

void BlobTransaction::forget_extents(const BlobKey& blob) {
  if (ok()) note(remove_extents(connection_, blob));
}

void BlobTransaction::put_extents(const BlobKey& blob, const space::Extents& extents) {
  if (ok()) note(write_extents(connection_, blob, extents));
}

}  // namespace qrx::store
