#include "pg/pg_changes.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>

#include "base/random.h"
#include "pg/pg_transaction.h"

namespace qrx::pg {
namespace {

using space::Durability;
using std::chrono::steady_clock;

constexpr const char* changing = "cannot write the catalog";
constexpr unsigned most_attempts = 6;  // of a work that others were in the way of
constexpr Millis settle_for{20'000};   // how long the outcome of a commit is asked for

// A lock is waited for no longer than a client would; a node that stands still loses what it holds.
constexpr const char* limits = "SET LOCAL lock_timeout=2000; SET LOCAL idle_in_transaction_session_timeout=5000";

// Not all that were in each other's way come back at once.
void pause(unsigned attempt) {
  const auto bytes = random_bytes<2>();
  const unsigned chance = bytes[0] << 8 | bytes[1];
  const unsigned most = std::min(5U << attempt, 200U);
  std::this_thread::sleep_for(Millis(1 + chance % most));
}

// As in store/catalog_writer.cpp: what throws fails with its reason, and the connection goes on.
Result<void> run_work(const std::function<Result<void>(space::Transaction&)>& work, PgTransaction& transaction) {
  try {
    auto done = work(transaction);
    if (done) transaction.finish();
    return done;
  } catch (const std::exception& thrown) {
    return fail(Kind::other, std::string(changing) + ": " + thrown.what());
  }
}

// What became of one attempt.
struct Attempt {
  // done: its result is what is answered, an error of the work too. again: somebody was in the way. lost: before the
  // COMMIT was sent, so nothing happened. doubtful: after it was.
  enum class End { done, again, lost, doubtful };
  End end = End::done;
  Result<void> result{};
  std::int64_t xid = 0, mark = 0;
};

Attempt after_failure(Connection& connection) {
  const Failure& failure = connection.failure();
  const auto error = failure.error(changing);
  const auto end = connection.lost() ? Attempt::End::lost : failure.again() ? Attempt::End::again : Attempt::End::done;
  return {end, error, 0, 0};
}

Attempt attempt(Connection& connection, const CrashMark& crashes, Durability durability,
                const std::function<Result<void>(space::Transaction&)>& work) {
  const std::int64_t mark = crashes.current();
  std::string begin = std::string("BEGIN; ") + limits;
  if (durability == Durability::lazy) begin += "; SET LOCAL synchronous_commit=off";
  if (!connection.execute(begin)) {
    const Attempt failed = after_failure(connection);
    connection.execute("ROLLBACK");
    return failed;
  }
  PgTransaction transaction(connection, crashes.node());
  auto worked = run_work(work, transaction);
  // Asked for before the COMMIT: without it nobody could find out afterwards.
  const std::int64_t xid = worked && !transaction.failed() ? transaction.number() : 0;
  if (transaction.refusal()) worked = tl::unexpected(*transaction.refusal());
  if (transaction.failed() || !worked) {
    const bool by_database = transaction.failed() && !transaction.refusal();
    Attempt ended = by_database ? after_failure(connection) : Attempt{Attempt::End::done, worked, 0, 0};
    // A connection on which this fails is lost, and with it the transaction.
    connection.execute("ROLLBACK");
    return ended;
  }
  if (connection.commit()) return {};
  Attempt ended = after_failure(connection);
  // An answer that is an error says that nothing was committed; no answer says nothing.
  if (connection.lost()) ended.end = Attempt::End::doubtful;
  ended.xid = xid;
  ended.mark = mark;
  return ended;
}

// Whether a transaction whose COMMIT was never answered is committed. Nothing: it cannot be known.
std::optional<bool> find_outcome(Pool& pool, const Attempt& ended, const Id& node, Durability durability) {
  const auto until = steady_clock::now() + settle_for;
  for (unsigned asked = 0; steady_clock::now() < until; ++asked) {
    if (asked > 0) pause(4);
    auto connection = pool.take();
    if (!connection) continue;
    const auto outcome = outcome_of(**connection, ended.xid, node, ended.mark);
    if (!outcome || *outcome == Outcome::under_way)
      continue;  // the server may not have noticed that its client is gone
    if (*outcome == Outcome::unknown) return std::nullopt;
    if (*outcome == Outcome::undone) return false;
    // A standby may not have it yet, for whoever waited for that is gone: what comes after it waits for both.
    if (durability == Durability::durable && !(*connection)->execute("SELECT pg_logical_emit_message(true, 'qrx', '')"))
      continue;
    return true;
  }
  return std::nullopt;
}

}  // namespace

Result<void> run_change(Pool& pool, PgCounts& counts, const CrashMark& crashes, Durability durability,
                        const std::function<Result<void>(space::Transaction&)>& work, Millis give_up_after) {
  const auto until = steady_clock::now() + give_up_after;
  const auto may_go_on = [&] { return steady_clock::now() < until; };
  for (unsigned tried = 0, contended = 0;; ++tried) {
    if (tried > 0) pause(tried);
    Attempt ended;
    {
      auto connection = pool.take();
      if (!connection) {
        if (may_go_on()) continue;
        return tl::unexpected(connection.error());
      }
      ended = attempt(**connection, crashes, durability, work);
    }
    switch (ended.end) {
      case Attempt::End::done:
        return ended.result;
      case Attempt::End::again:
        ++counts.contended;
        if (++contended >= most_attempts || !may_go_on()) return ended.result;
        break;
      case Attempt::End::lost:
        ++counts.lost;
        if (!may_go_on()) return ended.result;
        break;
      // Tried again only when it was surely not committed: a work that ran twice would count twice.
      case Attempt::End::doubtful:
        const auto committed = find_outcome(pool, ended, crashes.node(), durability);
        ++(!committed ? counts.never_known : *committed ? counts.found_committed : counts.found_undone);
        if (!committed) return fail(Kind::unavailable, "it is not known whether the catalog has taken a change");
        if (*committed) return {};
        if (!may_go_on()) return ended.result;
        break;
    }
  }
}

}  // namespace qrx::pg
