// The one writer of a catalog: changes of many threads, committed together. Private to src/store.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "space/catalog.h"
#include "store/disk_reserve.h"
#include "store/space_cache.h"
#include "store/sqlite.h"

namespace qrx::store {

// Group commit. Changes wait in a queue; the first of them leads: it runs those that wait in one transaction with one
// sync, wakes the others, and hands the lead to the first who came meanwhile. So the sync of one batch is the time in
// which the next one gathers, and no thread is needed for it.
// Thread-safe. Locks, in this order: the lead (only the thread that has it uses the connection), those of the readers
// for a truncating checkpoint (the slow ones are only tried), the lock of the cache. queue_mutex_ is never held while
// the database is used.
class CatalogWriter {
 public:
  struct Options {
    bool relaxed;                 // as SqliteOptions
    std::uint64_t reserve_bytes;  // likewise
  };
  // A thread holds one of these while it reads the database: when all are free, a checkpoint can empty the log.
  struct Readers {
    std::mutex& quick;
    std::array<std::mutex*, 3> slow;  // take up to minutes, and are never waited for
  };
  // `cache` and the mutexes must outlive it.
  CatalogWriter(std::string path, const Options& options, SpaceCache& cache, Readers readers);

  // Opens the database at `path`, which is a file, and brings its tables up to date. First of all, once.
  Result<void> open();
  // To be asked for when all else is open: disk space for a full disk.
  void make_reserve() { reserve_.make(); }

  // As space::Catalog.
  Result<void> change(space::Durability durability, const std::function<Result<void>(space::Transaction&)>& work);
  // What was deleted is gone from the log too when this returns, unless the disk fails or somebody reads for long: then
  // with a later change.
  Result<void> purge();

 private:
  // One caller of change(), until its work is committed or has failed. Lives on the caller's stack.
  struct Waiting {
    space::Durability durability;
    const std::function<Result<void>(space::Transaction&)>& work;
    Result<void> result{};
    bool ran = false, done = false, leads = false;
    std::condition_variable turn{};
  };
  using Batch = std::span<Waiting* const>;

  Result<void> set_pragmas();
  Result<void> bring_up_to_date();
  int set_syncing(bool wanted);
  // Those that it ran are marked: it ends early when there are many rows in it.
  int attempt(Batch batch, bool durable, ChangeLog& log);
  void run(Batch batch);
  void run_or_fail(Batch batch) noexcept;
  void checkpoint();
  void refuse_from_now_on();

  const std::string path_;
  const bool relaxed_;
  SpaceCache& cache_;
  const Readers readers_;

  std::mutex queue_mutex_;
  std::deque<Waiting*> queue_;
  bool led_ = false;

  // Only for the thread that leads.
  std::unique_ptr<Connection> connection_;
  DiskReserve reserve_;
  bool syncing_ = true;  // PRAGMA synchronous as it stands
  int wal_pages_ = 0;
  std::optional<Error> broken_;  // a sync has failed

  std::atomic<bool> purging_{false};  // the next checkpoint is to leave an empty log
};

}  // namespace qrx::store
