#include "store/catalog_writer.h"

#include <algorithm>
#include <array>
#include <exception>

#include "base/thrown.h"
#include "store/paths.h"
#include "store/schema.h"
#include "store/sqlite_transaction.h"

namespace qrx::store {
namespace {

using space::Durability;
using space::Transaction;

constexpr const char* changing = "cannot write the catalog";
// Bounds how long the first of a batch waits for the last, and what a failure of the commit takes along.
constexpr std::size_t most_in_batch = 256;
// 12 MiB. A checkpoint syncs twice, and whoever leads waits for it: the rows of 10,000 files fit into fewer pages, so
// that none falls into their commit. Below journal_size_limit, so that the log is not cut and made anew.
constexpr int pages_until_checkpoint = 3000;

// What throws fails alone, with its reason: the others of the batch, and all who come later, must go on.
Result<void> run_work(const std::function<Result<void>(Transaction&)>& work, Transaction& transaction) {
  try {
    return work(transaction);
  } catch (...) {
    return fail(Kind::other, std::string(changing) + ": " + thrown_error().what);
  }
}

}  // namespace

CatalogWriter::CatalogWriter(std::string path, const Options& options, SpaceCache& cache, Readers readers)
    : path_(std::move(path)),
      relaxed_(options.relaxed),
      cache_(cache),
      readers_(readers),
      reserve_(path_, options.reserve_bytes) {}

Result<void> CatalogWriter::open() {
  // On a full disk the log could not even be made: what is set aside for that goes first.
  reserve_.give_up();
  auto connection = Connection::open(path_, Connection::Access::write);
  if (!connection) return tl::unexpected(connection.error());
  connection_ = std::move(*connection);
  if (auto set = set_pragmas(); !set) return set;
  if (auto current = bring_up_to_date(); !current) return current;
  // Tells the leader how long the log has grown, instead of a checkpoint inside COMMIT whose failure nobody would see.
  sqlite3_wal_hook(
      connection_->get(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<CatalogWriter*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  return {};
}

Result<void> CatalogWriter::set_pragmas() {
  // WAL: readers see the last commit while a change is written. Checkpoints are made by checkpoint(), not inside
  // COMMIT. trusted_schema=OFF: the schema of a tampered catalog can call no unsafe function. secure_delete: see
  // remove_notice().
  for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-4096",
                             "PRAGMA wal_autocheckpoint=0", "PRAGMA journal_size_limit=16777216",
                             "PRAGMA temp_store=MEMORY", "PRAGMA trusted_schema=OFF", "PRAGMA secure_delete=FAST"})
    if (const int code = connection_->execute(pragma); code != SQLITE_OK)
      return fail_sqlite(code, "cannot open the catalog " + path_);
  // Where shared memory does not work (some network file systems) SQLite stays with another mode, without an error.
  Statement mode = connection_->prepare("PRAGMA journal_mode");
  if (!mode.step() || mode.next_text() != "wal")
    return fail(Kind::other, "cannot open the catalog " + path_ + ": no write-ahead log on this file system");
  return {};
}

// All steps that the database lacks, in one transaction with its new version.
Result<void> CatalogWriter::bring_up_to_date() {
  std::uint64_t version = 0;
  {
    Statement statement = connection_->prepare("PRAGMA user_version");
    if (!statement.step()) return fail_sqlite(statement.code(), "cannot open the catalog " + path_);
    version = statement.next_number();
  }
  if (version > schema_version) return fail(Kind::other, "cannot open the catalog " + path_ + ": a newer qrx wrote it");
  if (version == schema_version) return {};
  int code = connection_->execute("BEGIN IMMEDIATE");
  for (std::uint64_t step = version; code == SQLITE_OK && step < schema_version; ++step)
    code = connection_->execute(schema_steps[step]);
  const std::string stamp = "PRAGMA user_version=" + std::to_string(schema_version);
  if (code == SQLITE_OK) code = connection_->execute(stamp.c_str());
  if (code == SQLITE_OK) code = connection_->execute("COMMIT");
  if (code != SQLITE_OK)
    return fail_sqlite(code,
                       (version == 0 ? "cannot make the catalog " : "cannot bring up to date the catalog ") + path_);
  // The file itself is synced by the commit; its name is not.
  return sync_parent(path_);
}

int CatalogWriter::set_syncing(bool wanted) {
  if (wanted == syncing_) return SQLITE_OK;
  // NORMAL appends to the log without a sync; the sync of the next FULL commit covers the log from its beginning.
  const int code = connection_->execute(wanted ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  if (code == SQLITE_OK) syncing_ = wanted;
  return code;
}

// One transaction with all works of the batch, each in a savepoint of its own so that it can fail alone.
int CatalogWriter::attempt(Batch batch, bool durable, ChangeLog& log) {
  // Before BEGIN: within a transaction SQLite does not change it.
  if (const int code = set_syncing(durable); code != SQLITE_OK) return code;
  connection_->prepare("BEGIN IMMEDIATE").step();
  if (!connection_->in_transaction()) return connection_->extended_code();
  SqliteTransaction writes(*connection_);
  // A single work needs no savepoint: its failure rolls back the whole.
  const bool several = batch.size() > 1;
  // SAVEPOINT, ROLLBACK TO or RELEASE. When it fails the batch is rolled back: nobody knows whose writes stand in it.
  const auto savepoint = [&](const char* statement_text) {
    if (!several) return SQLITE_OK;
    Statement statement = connection_->prepare(statement_text);
    statement.step();
    const int code = statement.code();
    if (code != SQLITE_OK && connection_->in_transaction()) connection_->execute("ROLLBACK");
    return code;
  };
  bool anything = false;
  const std::int64_t rows_before = connection_->total_changes();
  for (Waiting* waiting : batch) {
    // Each work keeps to rows_at_once; many of them together would make the last wait for all.
    waiting->ran = connection_->total_changes() - rows_before < static_cast<std::int64_t>(space::rows_at_once);
    if (!waiting->ran) continue;
    // What a work that failed has logged must not reach the cache.
    const std::size_t mark = writes.log().mark();
    if (const int code = savepoint("SAVEPOINT one"); code != SQLITE_OK) return code;
    waiting->result = run_work(waiting->work, writes);
    const int code = writes.code();
    if (code != SQLITE_OK) {
      // A full disk is for all of them, and is tried once more with the reserve. SQLite itself may have rolled back
      // everything.
      if ((code & 0xFF) == SQLITE_FULL || !connection_->in_transaction()) {
        connection_->execute("ROLLBACK");
        return code;
      }
      waiting->result = fail_sqlite(code, changing);
      writes.forgive();
    }
    if (waiting->result) {
      anything = true;
    } else {
      if (const int failure = savepoint("ROLLBACK TO one"); failure != SQLITE_OK) return failure;
      writes.log().back_to(mark);
    }
    if (const int failure = savepoint("RELEASE one"); failure != SQLITE_OK) return failure;
  }
  // No commit, no sync, for nothing.
  if (!anything) {
    connection_->execute("ROLLBACK");
    return SQLITE_OK;
  }
  Statement commit = connection_->prepare("COMMIT");
  commit.step();
  if (const int code = commit.code(); code != SQLITE_OK) {
    if (connection_->in_transaction()) connection_->execute("ROLLBACK");
    return code;
  }
  log = std::move(writes.log());
  return SQLITE_OK;
}

void CatalogWriter::run(Batch batch) {
  const auto fail_all = [&](const Error& error) {
    for (Waiting* waiting : batch) {
      waiting->ran = true;
      waiting->result = tl::unexpected(error);
    }
  };
  if (broken_) return fail_all(*broken_);
  const bool durable = !relaxed_ && std::any_of(batch.begin(), batch.end(), [](const Waiting* waiting) {
    return waiting->durability == Durability::durable;
  });
  ChangeLog log;
  int code = attempt(batch, durable, log);
  // Deletions need room in the log, too: the reserve lets them through, and they make room for good.
  if ((code & 0xFF) == SQLITE_FULL && reserve_.there()) {
    reserve_.give_up();
    code = attempt(batch, durable, log);
  }
  if (code == SQLITE_OK) {
    try {
      // Before anyone is woken: who was told of a change reads it.
      cache_.committed(log);
    } catch (const std::exception&) {  // out of memory; the changes stand all the same
      cache_.forget_all();
    }
    return;
  }
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) refuse_from_now_on();
  fail_all(broken_ ? *broken_ : fail_sqlite(code, changing).value());
}

// A sync that failed is final: the kernel may have forgotten the pages, and a later sync would not say so.
void CatalogWriter::refuse_from_now_on() {
  broken_ = Error{Kind::unavailable, "the catalog's disk failed to sync: changes are refused until a restart", {}};
}

// Whoever leads must come back to hand the lead on, also when memory runs out on the way.
void CatalogWriter::run_or_fail(Batch batch) noexcept {
  try {
    run(batch);
    return;
  } catch (const std::exception& thrown) {
    for (Waiting* waiting : batch) {
      waiting->ran = true;
      waiting->result = fail(Kind::unavailable, thrown.what());
    }
  }
  if (connection_->in_transaction()) connection_->execute("ROLLBACK");
}

// By whoever leads, between two batches. After the answers were given, so that only the next lead waits for it.
void CatalogWriter::checkpoint() {
  // TRUNCATE needs a moment without readers; PASSIVE copies what it can beside them.
  std::unique_lock bulk(*readers_.slow[0], std::defer_lock);
  std::unique_lock survey(*readers_.slow[1], std::defer_lock);
  std::unique_lock check(*readers_.slow[2], std::defer_lock);
  bool purge = purging_.exchange(false);
  if (purge && std::try_lock(bulk, survey, check) != -1) {
    purge = false;
    purging_ = true;  // with the next change again
  }
  if ((wal_pages_ < pages_until_checkpoint && !purge) || broken_) return;
  wal_pages_ = 0;  // with a reader in the way it gets no further now; the next change says how long the log is
  std::unique_lock quick(readers_.quick, std::defer_lock);
  if (purge) quick.lock();
  const int code = sqlite3_wal_checkpoint_v2(
      connection_->get(), nullptr, purge ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (purge && code != SQLITE_OK)
    purging_ = true;  // what was to be gone is still in the log: with the next change again
  // The kernel forgets pages whose sync failed, those of the log too: later commits would stand behind a hole.
  if (code == SQLITE_IOERR_FSYNC) refuse_from_now_on();
  if (!reserve_.there()) reserve_.make();
}

// The batch gathers while the one before it is synced: under load one sync serves up to 256 changes, without a timer. A
// lone change waits for nobody.
Result<void> CatalogWriter::change(Durability durability, const std::function<Result<void>(Transaction&)>& work) {
  Waiting self{durability, work};
  std::unique_lock lock(queue_mutex_);
  queue_.push_back(&self);
  if (led_) {
    // Either somebody ran this work, or hands on the lead with this work at the front of the queue.
    self.turn.wait(lock, [&] { return self.done || self.leads; });
    if (self.done) return std::move(self.result);
  }
  led_ = true;
  std::array<Waiting*, most_in_batch> places;
  std::size_t taken = 0;
  for (; taken < std::min(queue_.size(), most_in_batch); ++taken) places[taken] = queue_[taken];
  const Batch batch(places.data(), taken);
  lock.unlock();
  run_or_fail(batch);
  lock.lock();
  // The first of them, which leads, ran in any case. Those that did not, the last of them, are still in their places:
  // putting them back could fail for want of memory.
  for (Waiting* waiting : batch) {
    if (!waiting->ran) break;
    queue_.pop_front();
    if (waiting == &self) continue;
    waiting->done = true;
    waiting->turn.notify_one();  // under the lock: it must not be gone before this returns
  }
  lock.unlock();
  checkpoint();
  lock.lock();
  if (queue_.empty()) {
    led_ = false;
  } else {
    queue_.front()->leads = true;
    queue_.front()->turn.notify_one();
  }
  return std::move(self.result);
}

Result<void> CatalogWriter::purge() {
  // Set before the change that makes a lead: a checkpoint that ends meanwhile leaves it for that one.
  purging_ = true;
  // What leads a change makes the checkpoint, and nobody writes meanwhile.
  return change(Durability::lazy, [](Transaction&) -> Result<void> { return {}; });
}

}  // namespace qrx::store
