// Whether the database has crashed since a moment. Private to src/pg.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "pg/pg_connection.h"
#include "wire/id.h"

namespace qrx::pg {

// After a crash PostgreSQL gives the numbers of transactions anew whose records had not reached the disk: then
// pg_xact_status() tells of another transaction than the one that is asked for. But a crash, as a failover, also
// empties the tables that are not logged (CREATE TABLE, UNLOGGED): a row there, written before, says that there was
// none.
//
// One thread renews, any thread reads.
class CrashMark {
 public:
  explicit CrashMark(const Id& node) : node_(node) {}

  // The mark of a transaction that begins now, for later questions. 0: there is none yet.
  std::int64_t current() const { return current_; }
  const Id& node() const { return node_; }

  // With each beat: makes another mark when the last one is gone. False: the connection failed.
  bool renew(Connection& connection);

 private:
  const Id node_;
  std::atomic<std::int64_t> current_{0};
};

// What became of a transaction that this node had begun under a mark, as far as the server knows it.
enum class Outcome { under_way, undone, committed, unknown };
// Nothing: the connection failed.
std::optional<Outcome> outcome_of(Connection& connection, std::int64_t transaction, const Id& node, std::int64_t mark);

}  // namespace qrx::pg
