// Spaces: the other half of store/removal_transaction.cpp.
#include "store/columns.h"
#include "store/removal_sql.h"
#include "store/removal_transaction.h"
#include "store/rows.h"

namespace qrx::store {

using space::Removed;

// The whole space goes from the cache, and from the sums: its rows count no more from now on.
Removed RemovalTransaction::remove_space(const Guid& guid) {
  if (ok()) {
    Statement statement = by_id(connection_, "UPDATE spaces SET phase=2 WHERE guid=?", guid);
    statement.step();
    note(statement.code());
  }
  return remove_rest(guid);
}

// Each table by its index that begins with the guid. `receipts` stay, for senders that ask later; `flights` of one node
// are none.
Removed RemovalTransaction::remove_rest(const Guid& guid) {
  Removed removed;
  removed.all = true;
  if (!ok()) return removed;
  {
    Statement dying = by_id(connection_, "SELECT 1 FROM spaces WHERE guid=? AND phase=2", guid);
    if (!dying.step()) return note(dying.code()), removed;
  }
  log_.add(guid, nullptr);
  std::size_t left = space::rows_at_once;
  remove_named(guid, left, removed);
  // The outbox has secrets: they are written over before their rows go, because secure_delete=FAST wipes only in pages
  // that are written anyway.
  for (const char* sql :
       {"UPDATE outbox SET token='',key='' WHERE number IN (SELECT number FROM outbox WHERE guid=? AND token<>'' "
        "LIMIT ?)",
        "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE guid=? LIMIT ?)",
        "DELETE FROM share_files WHERE (share,file) IN (SELECT share,file FROM share_files WHERE guid=? LIMIT ?)",
        "DELETE FROM shares WHERE number IN (SELECT number FROM shares WHERE guid=? LIMIT ?)",
        "DELETE FROM file_receipts WHERE (delivery,file) IN (SELECT delivery,file FROM file_receipts WHERE guid=? "
        "LIMIT ?)",
        "DELETE FROM past_files WHERE number IN (SELECT number FROM past_files WHERE guid=? LIMIT ?)",
        "DELETE FROM gone_deliveries WHERE delivery IN (SELECT delivery FROM gone_deliveries WHERE guid=? LIMIT ?)",
        // Last: while anything is left of it, its row says that it is dying.
        "DELETE FROM spaces WHERE guid IN (SELECT guid FROM spaces WHERE guid=? AND phase=2 LIMIT ?)"})
    take_some(by_id(connection_, sql, guid), left);
  removed.there = true;
  removed.all = left > 0;
  return removed;
}

// Deliveries first, so that their senders are told soon. The pack of an open one has the name of the delivery; while
// there is no file in it, no other row names it.
void RemovalTransaction::remove_named(const Guid& guid, std::size_t& left, Removed& removed) {
  take_some(by_id(connection_,
                  "DELETE FROM deliveries WHERE number IN (SELECT number FROM deliveries WHERE guid=? LIMIT ?) "
                  "RETURNING delivery,committed IS NULL",
                  guid),
            left, [&](Statement& row) {
              removed.deliveries.push_back(to_id(row.next_blob()));
              if (row.next_number() != 0) removed.blobs.push_back(removed.deliveries.back());
            });
  take_some(
      by_id(
          connection_,
          "DELETE FROM uploads WHERE number IN (SELECT number FROM uploads WHERE guid=? LIMIT ?)" QRX_RETURNING_UPLOADS,
          guid),
      left, [&](Statement& row) { take_upload(row, removed); });
  take_some(
      by_id(connection_,
            "DELETE FROM files WHERE number IN (SELECT number FROM files WHERE guid=? LIMIT ?)" QRX_RETURNING_FILES,
            guid),
      left, [&](Statement& row) { take_file(row, removed); });
  discard_all(removed);
}

}  // namespace qrx::store
