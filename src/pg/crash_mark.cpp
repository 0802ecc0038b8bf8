#include "pg/crash_mark.h"

namespace qrx::pg {

bool CrashMark::renew(Connection& connection) {
  Statement there = connection.prepare("SELECT count(*) FROM crash_marks WHERE node=? AND mark=?");
  there.blob(as_bytes(node_.bytes)).signed_number(current_);
  if (!there.step()) return !connection.lost();
  if (there.next_number() > 0) return true;
  // Of nodes that have ended without taking theirs along.
  connection.execute("DELETE FROM crash_marks WHERE node NOT IN (SELECT node FROM nodes)");
  const std::int64_t next = current_ + 1;
  // It may be there: made before, by an attempt whose answer was lost. Then nothing has crashed since, and it is good.
  Statement made = connection.prepare(
      "INSERT INTO crash_marks(node,mark) VALUES(?,?) ON CONFLICT(node,mark) DO UPDATE SET mark=excluded.mark");
  made.blob(as_bytes(node_.bytes)).signed_number(next);
  // Only when it is committed: what begins under it must find it until the next crash.
  if (made.changes() == 1) current_ = next;
  return !connection.lost();
}

std::optional<Outcome> outcome_of(Connection& connection, std::int64_t transaction, const Id& node, std::int64_t mark) {
  // By one statement: no crash is between the two answers.
  Statement row = connection.prepare(
      "SELECT pg_xact_status(?::bigint::text::xid8),(SELECT count(*) FROM crash_marks WHERE node=? AND mark=?)");
  row.signed_number(transaction).blob(as_bytes(node.bytes)).signed_number(mark);
  if (!row.step()) return connection.lost() ? std::nullopt : std::optional(Outcome::unknown);
  if (row.next_is_null()) return Outcome::unknown;
  const std::string said = row.next_text();
  const bool is_same_transaction = row.next_number() == 1;
  // Had this one been committed, and survived a crash, its number would not have been given again.
  if (said == "aborted") return Outcome::undone;
  if (!is_same_transaction) return Outcome::unknown;
  return said == "committed" ? Outcome::committed : Outcome::under_way;
}

}  // namespace qrx::pg
