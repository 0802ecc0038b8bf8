#include "store/sqlite_catalog.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <span>

#include "base/unique_fd.h"
#include "store/columns.h"
#include "store/paths.h"
#include "store/receipt_columns.h"
#include "store/rows.h"
#include "store/schema.h"
#include "store/share_columns.h"
#include "store/space_cache.h"
#include "store/sqlite_transaction.h"

namespace qrx::store {
namespace {

using space::DeliveryRow;
using space::Durability;
using space::FileRow;
using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;
using space::SpaceState;
using space::Transaction;
using space::UploadRow;

constexpr const char* changing = "cannot write the catalog";
constexpr std::size_t most_in_batch = 256;
constexpr int pages_until_checkpoint = 1000;  // SQLite's own default, 4 MiB

// One caller of change(), until its work is committed or has failed. Lives on the caller's stack.
struct Waiting {
  Durability durability;
  const std::function<Result<void>(Transaction&)>& work;
  Result<void> result{};
  bool done = false, leads = false;
  std::condition_variable turn{};
};

}  // namespace

struct SqliteCatalog::Impl {
  Impl(std::string database, SqliteOptions chosen)
      : path(std::move(database)), options(chosen), cache(chosen.most_cached_spaces, chosen.most_cached_rows) {}

  const std::string path;
  const SqliteOptions options;
  SpaceCache cache;

  // Group commit. Changes wait in the queue; the first of them leads: it runs up to most_in_batch in one transaction
  // with one sync, wakes the others, and hands the lead to the first who came meanwhile. So the sync of one batch is
  // the time in which the next one gathers, and no thread is needed for it.
  // Locks: queue_mutex is never held while the database is used; the lead itself guards `writer`. reader_mutex is taken
  // by readers alone and, for a truncating checkpoint, by the leader after its batch; the lock of `cache` comes last.
  std::mutex queue_mutex;
  std::deque<Waiting*> queue;
  bool led = false;

  // Only for who leads.
  std::unique_ptr<Connection> writer;
  bool syncing = true;    // PRAGMA synchronous as it stands
  bool reserved = false;  // the reserve file is there
  int wal_pages = 0;
  std::optional<Error> broken;  // a sync has failed

  std::atomic<bool> purging{false};  // the next checkpoint is to leave an empty log
  std::mutex reader_mutex;
  std::unique_ptr<Connection> reader;

  Result<void> prepare();
  void make_reserve();
  void give_up_reserve();
  int set_syncing(bool wanted);
  int attempt(std::span<Waiting* const> batch, bool durable, ChangeLog& log);
  void run(std::span<Waiting* const> batch);
  void run_or_fail(std::span<Waiting* const> batch) noexcept;
  void checkpoint();

  template <class Read>
  auto read(Read&& with) {
    const std::lock_guard lock(reader_mutex);
    return with(*reader);
  }
};

SqliteCatalog::SqliteCatalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteCatalog::~SqliteCatalog() = default;

Result<std::unique_ptr<SqliteCatalog>> SqliteCatalog::open(const std::string& path, SqliteOptions options) {
  if (sqlite3_threadsafe() == 0) return fail(Kind::other, "cannot open the catalog: SQLite was built without threads");
  auto impl = std::make_unique<Impl>(path, options);
  if (auto made = make_file(path); !made) return tl::unexpected(made.error());
  // On a full disk the log could not even be made: what is set aside for that goes first, and is taken again at the
  // end.
  impl->give_up_reserve();
  auto writer = Connection::open(path, Connection::Access::write);
  if (!writer) return tl::unexpected(writer.error());
  impl->writer = std::move(*writer);
  if (auto prepared = impl->prepare(); !prepared) return tl::unexpected(prepared.error());
  auto reader = Connection::open(path, Connection::Access::read);
  if (!reader) return tl::unexpected(reader.error());
  impl->reader = std::move(*reader);
  impl->reader->execute("PRAGMA cache_size=-2048");
  impl->make_reserve();
  return std::unique_ptr<SqliteCatalog>(new SqliteCatalog(std::move(impl)));
}

Result<void> SqliteCatalog::Impl::prepare() {
  for (const char* pragma : {"PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA cache_size=-4096",
                             "PRAGMA wal_autocheckpoint=0", "PRAGMA journal_size_limit=16777216",
                             "PRAGMA temp_store=MEMORY", "PRAGMA trusted_schema=OFF", "PRAGMA secure_delete=FAST"})
    if (const int code = writer->execute(pragma); code != SQLITE_OK)
      return fail_sqlite(code, "cannot open the catalog " + path);
  {
    Statement mode = writer->prepare("PRAGMA journal_mode");
    if (!mode.step() || mode.next_text() != "wal")
      return fail(Kind::other, "cannot open the catalog " + path + ": no write-ahead log on this file system");
  }
  std::uint64_t version = 0;
  {
    Statement statement = writer->prepare("PRAGMA user_version");
    if (!statement.step()) return fail_sqlite(statement.code(), "cannot open the catalog " + path);
    version = statement.next_number();
  }
  if (version > schema_version) return fail(Kind::other, "cannot open the catalog " + path + ": a newer qrx wrote it");
  if (version < schema_version) {
    int code = writer->execute("BEGIN IMMEDIATE");
    for (std::uint64_t step = version; code == SQLITE_OK && step < schema_version; ++step)
      code = writer->execute(schema_steps[step]);
    const std::string stamp = "PRAGMA user_version=" + std::to_string(schema_version);
    if (code == SQLITE_OK) code = writer->execute(stamp.c_str());
    if (code == SQLITE_OK) code = writer->execute("COMMIT");
    if (code != SQLITE_OK)
      return fail_sqlite(code,
                         (version == 0 ? "cannot make the catalog " : "cannot bring up to date the catalog ") + path);
    if (auto synced = sync_parent(path); !synced) return synced;
  }
  // Tells the leader how long the log has grown, instead of a checkpoint inside COMMIT whose failure nobody would see.
  sqlite3_wal_hook(
      writer->get(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Impl*>(self)->wal_pages = pages;
        return SQLITE_OK;
      },
      this);
  return {};
}

void SqliteCatalog::Impl::make_reserve() {
  const std::string name = path + ".reserve";
  struct statvfs disk {};
  // Not worth having where it would take much of a small disk.
  if (::statvfs(path.c_str(), &disk) != 0) return;
  const std::uint64_t available = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (options.reserve_bytes == 0 || available / 20 < options.reserve_bytes) return;
  const UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return;
  reserved = ::posix_fallocate(fd.get(), 0, static_cast<off_t>(options.reserve_bytes)) == 0;
  if (!reserved) ::unlink(name.c_str());
}

void SqliteCatalog::Impl::give_up_reserve() {
  ::unlink((path + ".reserve").c_str());
  reserved = false;
}

int SqliteCatalog::Impl::set_syncing(bool wanted) {
  if (wanted == syncing) return SQLITE_OK;
  // NORMAL appends to the log without a sync; the sync of the next FULL commit covers the log from its beginning.
  const int code = writer->execute(wanted ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  if (code == SQLITE_OK) syncing = wanted;
  return code;
}

// What throws fails alone, with its reason: the others of the batch, and all who come later, must go on.
static Result<void> run_work(const std::function<Result<void>(Transaction&)>& work, Transaction& transaction) {
  try {
    return work(transaction);
  } catch (const std::exception& thrown) {
    return fail(Kind::other, std::string(changing) + ": " + thrown.what());
  } catch (...) {
    return fail(Kind::other, std::string(changing) + ": an unknown exception");
  }
}

// One transaction with all works of the batch, each in a savepoint of its own so that it can fail alone.
int SqliteCatalog::Impl::attempt(std::span<Waiting* const> batch, bool durable, ChangeLog& log) {
  if (const int code = set_syncing(durable); code != SQLITE_OK) return code;
  writer->prepare("BEGIN IMMEDIATE").step();
  if (!writer->in_transaction()) return writer->extended_code();
  SqliteTransaction writes(*writer);
  const bool several = batch.size() > 1;
  // False: the batch is rolled back, for nobody knows whose writes stand in it.
  int failure = SQLITE_OK;
  const auto done = [&](const char* what) {
    if (!several) return true;
    Statement statement = writer->prepare(what);
    statement.step();
    failure = statement.code();
    if (failure != SQLITE_OK && writer->in_transaction()) writer->execute("ROLLBACK");
    return failure == SQLITE_OK;
  };
  bool anything = false;
  for (Waiting* waiting : batch) {
    const std::size_t mark = writes.log().mark();
    if (!done("SAVEPOINT one")) return failure;
    waiting->result = run_work(waiting->work, writes);
    const int code = writes.code();
    if (code != SQLITE_OK) {
      if ((code & 0xFF) == SQLITE_FULL || !writer->in_transaction()) {
        writer->execute("ROLLBACK");
        return code;
      }
      waiting->result = fail_sqlite(code, changing);
      writes.forgive();
    }
    if (waiting->result) {
      anything = true;
    } else {
      if (!done("ROLLBACK TO one")) return failure;
      writes.log().back_to(mark);
    }
    if (!done("RELEASE one")) return failure;
  }
  if (!anything) {
    writer->execute("ROLLBACK");
    return SQLITE_OK;
  }
  Statement commit = writer->prepare("COMMIT");
  commit.step();
  if (const int code = commit.code(); code != SQLITE_OK) {
    if (writer->in_transaction()) writer->execute("ROLLBACK");
    return code;
  }
  log = std::move(writes.log());
  return SQLITE_OK;
}

void SqliteCatalog::Impl::run(std::span<Waiting* const> batch) {
  const auto fail_all = [&](const Error& error) {
    for (Waiting* waiting : batch) waiting->result = tl::unexpected(error);
  };
  if (broken) return fail_all(*broken);
  const bool durable = !options.relaxed && std::any_of(batch.begin(), batch.end(), [](const Waiting* waiting) {
    return waiting->durability == Durability::durable;
  });
  ChangeLog log;
  int code = attempt(batch, durable, log);
  if ((code & 0xFF) == SQLITE_FULL && reserved) {
    give_up_reserve();
    code = attempt(batch, durable, log);
  }
  if (code == SQLITE_OK) {
    try {
      cache.committed(log);
    } catch (const std::exception&) {  // out of memory; the changes stand all the same
      cache.forget_all();
    }
    return;
  }
  if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC)
    broken = Error{Kind::unavailable, "the catalog's disk failed to sync: changes are refused until a restart", {}};
  fail_all(broken ? *broken : fail_sqlite(code, changing).value());
}

// Whoever leads must come back to hand the lead on, also when memory runs out on the way.
void SqliteCatalog::Impl::run_or_fail(std::span<Waiting* const> batch) noexcept {
  try {
    run(batch);
    return;
  } catch (const std::exception& thrown) {
    for (Waiting* waiting : batch) waiting->result = fail(Kind::unavailable, thrown.what());
  }
  if (writer->in_transaction()) writer->execute("ROLLBACK");
}

void SqliteCatalog::Impl::checkpoint() {
  const bool purge = purging.exchange(false);
  if ((wal_pages < pages_until_checkpoint && !purge) || broken) return;
  wal_pages = 0;  // with a reader in the way it gets no further now; the next change says how long the log is
  std::unique_lock readers(reader_mutex, std::defer_lock);
  if (purge) readers.lock();
  const int code = sqlite3_wal_checkpoint_v2(
      writer->get(), nullptr, purge ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
  if (purge && code != SQLITE_OK)
    purging = true;  // what was to be gone is still in the log: with the next change again
  // The kernel forgets pages whose sync failed, those of the log too: later commits would stand behind a hole.
  if (code == SQLITE_IOERR_FSYNC)
    broken = Error{Kind::unavailable, "the catalog's disk failed to sync: changes are refused until a restart", {}};
  if (!reserved) make_reserve();
}

Result<void> SqliteCatalog::change(Durability durability, const std::function<Result<void>(Transaction&)>& work) {
  Waiting self{durability, work};
  std::unique_lock lock(impl_->queue_mutex);
  impl_->queue.push_back(&self);
  if (impl_->led) {
    self.turn.wait(lock, [&] { return self.done || self.leads; });
    if (self.done) return std::move(self.result);
  }
  impl_->led = true;
  std::array<Waiting*, most_in_batch> places;
  std::size_t taken = 0;
  for (; !impl_->queue.empty() && taken < most_in_batch; impl_->queue.pop_front())
    places[taken++] = impl_->queue.front();
  const std::span<Waiting* const> batch(places.data(), taken);
  lock.unlock();
  impl_->run_or_fail(batch);
  lock.lock();
  for (Waiting* waiting : batch) {
    if (waiting == &self) continue;
    waiting->done = true;
    waiting->turn.notify_one();  // under the lock: it must not be gone before this returns
  }
  lock.unlock();
  impl_->checkpoint();
  lock.lock();
  if (impl_->queue.empty()) {
    impl_->led = false;
  } else {
    impl_->queue.front()->leads = true;
    impl_->queue.front()->turn.notify_one();
  }
  return std::move(self.result);
}

Result<std::shared_ptr<const SpaceState>> SqliteCatalog::space(const Guid& guid) {
  if (auto state = impl_->cache.find_or_begin_load(guid)) return state;
  auto read = impl_->read([&](Connection& connection) -> Result<std::optional<SpaceState>> {
    if (const int code = connection.execute("BEGIN"); code != SQLITE_OK) return fail_sqlite(code, reading);
    auto state = read_space(connection, guid);
    connection.execute("COMMIT");
    return state;
  });
  std::shared_ptr<const SpaceState> state;
  if (read && *read) state = std::make_shared<const SpaceState>(std::move(**read));
  impl_->cache.finish_load(guid, state);
  if (!read) return tl::unexpected(read.error());
  return state;
}

Result<space::CommittedPage> SqliteCatalog::committed(const Guid& guid, const space::PageStart& from,
                                                      const space::PageSize& most) {
  return impl_->read([&](Connection& connection) -> Result<space::CommittedPage> {
    if (const int code = connection.execute("BEGIN"); code != SQLITE_OK) return fail_sqlite(code, reading);
    auto page = read_committed(connection, guid, from, most);
    connection.execute("COMMIT");
    return page;
  });
}

Result<std::optional<std::uint64_t>> SqliteCatalog::seq(const Guid& guid) {
  return impl_->read([&](Connection& connection) -> Result<std::optional<std::uint64_t>> {
    Statement row = by_id(connection, "SELECT seq FROM spaces WHERE guid=?", guid);
    if (row.step()) return row.next_number();
    if (row.failed()) return fail_sqlite(row.code(), reading);
    return std::optional<std::uint64_t>();
  });
}

Result<std::uint64_t> SqliteCatalog::committed_files(const Guid& guid) {
  return impl_->read([&](Connection& connection) -> Result<std::uint64_t> {
    Statement statement = connection.prepare(
        "SELECT count(*) FROM deliveries d CROSS JOIN files f ON f.guid=d.guid AND f.delivery=d.delivery "
        "WHERE d.guid=? AND d.committed IS NOT NULL");
    if (!statement.blob(as_bytes(guid.bytes)).step()) return fail_sqlite(statement.code(), reading);
    return statement.next_number();
  });
}

Result<std::vector<space::SpaceSummary>> SqliteCatalog::summaries(const Guid& after, std::size_t most) {
  return impl_->read([&](Connection& connection) -> Result<std::vector<space::SpaceSummary>> {
    Statement row = connection.prepare(
        "SELECT guid,label,created,expires,phase,"
        "(SELECT count(*) FROM files f WHERE f.guid=s.guid),"
        "(SELECT coalesce(sum(size),0) FROM files f WHERE f.guid=s.guid)+"
        "(SELECT coalesce(sum(offset),0) FROM uploads u WHERE u.guid=s.guid),"
        "(SELECT count(*) FROM uploads u WHERE u.guid=s.guid) "
        "FROM spaces s WHERE guid>? AND phase<>2 ORDER BY guid LIMIT ?");
    row.blob(as_bytes(after.bytes)).number(most);
    std::vector<space::SpaceSummary> out;
    while (row.step()) {
      space::SpaceSummary& one = out.emplace_back();
      one.guid = to_id(row.next_blob());
      one.label = row.next_text();
      one.created = to_time(row.next_signed_number());
      one.expires = to_time(row.next_signed_number());
      one.phase = static_cast<space::Phase>(row.next_number());
      one.files = row.next_number();
      one.bytes = row.next_number();
      one.uploads = row.next_number();
    }
    if (row.failed()) return fail_sqlite(row.code(), reading);
    return out;
  });
}

Result<space::Catalog::Totals> SqliteCatalog::totals() {
  return impl_->read([](Connection& connection) -> Result<Totals> {
    Statement statement = connection.prepare(
        "SELECT (SELECT count(*) FROM spaces), (SELECT coalesce(sum(size),0) FROM files) + "
        "(SELECT coalesce(sum(offset),0) FROM uploads)");
    if (!statement.step()) return fail_sqlite(statement.code(), reading);
    Totals totals;
    totals.spaces = statement.next_number();
    totals.bytes = statement.next_number();
    return totals;
  });
}

Result<std::optional<FileRow>> SqliteCatalog::file(const Id& file) {
  return impl_->read([&](Connection& connection) { return read_file(connection, file); });
}

Result<std::vector<DeliveryRow>> SqliteCatalog::open_deliveries() {
  return impl_->read([](Connection& connection) { return read_open_deliveries(connection); });
}

Result<std::optional<std::string>> SqliteCatalog::remembered(const std::string& name) {
  return impl_->read([&](Connection& connection) -> Result<std::optional<std::string>> {
    Statement statement = connection.prepare("SELECT value FROM notes WHERE name=?");
    if (statement.text(name).step()) return statement.next_text();
    if (statement.failed()) return fail_sqlite(statement.code(), reading);
    return std::optional<std::string>();
  });
}

static Result<std::vector<Id>> take_ids(Statement statement) {
  std::vector<Id> ids;
  while (statement.step()) ids.push_back(to_id(statement.next_blob()));
  if (statement.failed()) return fail_sqlite(statement.code(), reading);
  return ids;
}

Result<std::vector<Guid>> SqliteCatalog::expired(WallTime now, std::size_t most) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare(
        "SELECT guid FROM spaces WHERE phase=2 UNION SELECT guid FROM spaces WHERE expires<=? LIMIT ?");
    statement.signed_number(now.time_since_epoch().count()).number(most);
    return take_ids(std::move(statement));
  });
}

Result<std::vector<UploadRow>> SqliteCatalog::uploads() {
  return impl_->read([](Connection& connection) { return read_uploads(connection); });
}

Result<std::vector<space::BlobKey>> SqliteCatalog::blobs() {
  return impl_->read([](Connection& connection) {
    return take_ids(
        connection.prepare("SELECT blob FROM files UNION SELECT blob FROM uploads UNION SELECT blob FROM trash "
                           "UNION SELECT spare FROM uploads WHERE spare IS NOT NULL"));
  });
}

Result<std::vector<space::BlobKey>> SqliteCatalog::trash(const space::BlobKey& after, std::size_t most) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare("SELECT blob FROM trash WHERE blob>? ORDER BY blob LIMIT ?");
    statement.blob(as_bytes(after.bytes)).number(most);
    return take_ids(std::move(statement));
  });
}

Result<std::vector<FileRow>> SqliteCatalog::files_after(const Id& last, std::size_t most) {
  return impl_->read([&](Connection& connection) { return read_files_after(connection, last, most); });
}

Result<std::optional<space::ReceiptRow>> SqliteCatalog::receipt(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_receipt(connection, delivery); });
}

Result<std::vector<space::FileReceiptRow>> SqliteCatalog::file_receipts(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_file_receipts(connection, delivery); });
}

Result<space::SharePage> SqliteCatalog::shares(const Guid& guid, std::uint64_t next, const space::SharePageSize& most) {
  return impl_->read([&](Connection& connection) { return read_shares(connection, guid, next, most); });
}

Result<std::optional<ShareRow>> SqliteCatalog::share(const Id& share) {
  return impl_->read([&](Connection& connection) { return read_share(connection, share); });
}

Result<std::optional<ShareRow>> SqliteCatalog::share_of_link(const Sha256Sum& link_hash) {
  return impl_->read([&](Connection& connection) { return read_share_of_link(connection, link_hash); });
}

Result<std::optional<ShareFileRow>> SqliteCatalog::share_file(const Id& share, const Id& file) {
  return impl_->read([&](Connection& connection) { return read_share_file(connection, share, file); });
}

Result<std::vector<ShareFileRow>> SqliteCatalog::share_files(const Id& share) {
  return impl_->read([&](Connection& connection) { return read_share_files(connection, share); });
}

Result<std::uint64_t> SqliteCatalog::least_taken(const Id& share) {
  return impl_->read([&](Connection& connection) -> Result<std::uint64_t> {
    Statement statement =
        connection.prepare("SELECT coalesce(min(taken),0) FROM share_files WHERE share=? AND taken>0");
    if (!statement.blob(as_bytes(share.bytes)).step()) return fail_sqlite(statement.code(), reading);
    return statement.next_number();
  });
}

Result<std::optional<NoticeRow>> SqliteCatalog::next_notice(const std::string& busy) {
  return impl_->read([&](Connection& connection) { return read_next_notice(connection, busy); });
}

Result<std::vector<NoticeRow>> SqliteCatalog::claimed_notices() {
  return impl_->read([](Connection& connection) { return read_claimed_notices(connection); });
}

Result<std::vector<Id>> SqliteCatalog::claims_before(WallTime noticed) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare("SELECT share FROM shares WHERE notice=1 AND noticed<?");
    statement.signed_number(noticed.time_since_epoch().count());
    return take_ids(std::move(statement));
  });
}

Result<void> SqliteCatalog::purge() {
  impl_->purging = true;
  // What leads a change makes the checkpoint, and nobody writes meanwhile.
  return change(Durability::lazy, [](Transaction&) -> Result<void> { return {}; });
}

Result<void> SqliteCatalog::check() {
  return impl_->read([](Connection& connection) -> Result<void> {
    Statement statement = connection.prepare("PRAGMA integrity_check(10)");
    if (!statement.step()) return fail_sqlite(statement.code(), "cannot check the catalog");
    if (const std::string found = statement.next_text(); found != "ok")
      return fail(Kind::integrity, "the catalog is damaged: " + found);
    return {};
  });
}

}  // namespace qrx::store
