#include "store/sqlite_catalog.h"

#include <mutex>

#include "store/catalog_writer.h"
#include "store/columns.h"
#include "store/extent_columns.h"
#include "store/past_files.h"
#include "store/paths.h"
#include "store/receipt_columns.h"
#include "store/rows.h"
#include "store/share_columns.h"
#include "store/space_cache.h"

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

constexpr std::uint64_t many_files = 1000;  // the rows of more take longer than others may wait

}  // namespace

struct SqliteCatalog::Impl {
  Impl(std::string catalog_path, const SqliteOptions& options)
      : path(std::move(catalog_path)),
        cache(options.most_cached_spaces, options.most_cached_rows),
        writer(path, {options.relaxed, options.reserve_bytes}, cache,
               {reader_mutex, {&bulk_mutex, &surveyor_mutex, &check_mutex}}) {}

  const std::string path;
  SpaceCache cache;
  std::mutex reader_mutex;    // one reads at a time; the lock of `cache` comes after it
  std::mutex bulk_mutex;      // likewise, to read all of a large space
  std::mutex surveyor_mutex;  // likewise, to read whole tables
  std::mutex check_mutex;     // likewise, to check all of it
  CatalogWriter writer;
  // Closed before the writer, which empties the log when it is the last.
  std::unique_ptr<Connection> reader, bulk, surveyor;

  template <class Read>
  auto read(Read&& with) {
    // One connection for all readers: they keep each other waiting, but not the writer, and it them.
    const std::lock_guard lock(reader_mutex);
    return with(*reader);
  }
  // A hundred thousand rows take a while, and longer on a thread of low priority: others go past.
  template <class Read>
  auto read_bulk(Read&& with) {
    const std::lock_guard lock(bulk_mutex);
    return with(*bulk);
  }
  bool is_large(const Guid& guid) {
    return read([&](Connection& connection) {
      Statement row = by_id(connection, "SELECT files+manifests FROM spaces WHERE guid=?", guid);
      return row.step() && row.next_number() > many_files;
    });
  }
  // For what housekeeping reads: of a large catalog it takes seconds, and requests must not wait for it.
  template <class Read>
  auto survey(Read&& with) {
    const std::lock_guard lock(surveyor_mutex);
    return with(*surveyor);
  }
};

SqliteCatalog::SqliteCatalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteCatalog::~SqliteCatalog() = default;

Result<std::unique_ptr<SqliteCatalog>> SqliteCatalog::open(const std::string& path, SqliteOptions options) {
  if (sqlite3_threadsafe() == 0) return fail(Kind::other, "cannot open the catalog: SQLite was built without threads");
  auto impl = std::make_unique<Impl>(path, options);
  if (auto made = make_file(path); !made) return tl::unexpected(made.error());
  if (auto opened = impl->writer.open(); !opened) return tl::unexpected(opened.error());
  for (auto* connection : {&impl->reader, &impl->bulk, &impl->surveyor}) {
    auto opened = Connection::open(path, Connection::Access::read);
    if (!opened) return tl::unexpected(opened.error());
    *connection = std::move(*opened);
    (*connection)->execute("PRAGMA cache_size=-2048");
  }
  impl->writer.make_reserve();
  return std::unique_ptr<SqliteCatalog>(new SqliteCatalog(std::move(impl)));
}

Result<void> SqliteCatalog::change(Durability durability, const std::function<Result<void>(Transaction&)>& work) {
  return impl_->writer.change(durability, work);
}

Result<std::shared_ptr<const SpaceState>> SqliteCatalog::space(const Guid& guid) {
  // The load is begun before the read: a commit in between marks it as stale (SpaceCache).
  if (auto state = impl_->cache.find_or_begin_load(guid)) return state;
  const auto load = [&](Connection& connection) -> Result<std::optional<SpaceState>> {
    // A transaction, so that all its statements see the same commit.
    if (const int code = connection.execute("BEGIN"); code != SQLITE_OK) return fail_sqlite(code, reading);
    auto state = read_space(connection, guid);
    connection.execute("COMMIT");
    return state;
  };
  auto read = impl_->is_large(guid) ? impl_->read_bulk(load) : impl_->read(load);
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
    Statement row = by_id(connection, "SELECT seq FROM spaces WHERE guid=? AND phase<>2", guid);
    if (row.step()) return row.next_number();
    if (row.failed()) return fail_sqlite(row.code(), reading);
    return std::optional<std::uint64_t>();
  });
}

Result<std::uint64_t> SqliteCatalog::committed_files(const Guid& guid) {
  return impl_->read([&](Connection& connection) -> Result<std::uint64_t> {
    Statement statement = connection.prepare(
        // CROSS JOIN keeps SQLite to this order: few deliveries, then their files by files_by_delivery.
        "SELECT count(*) FROM deliveries d CROSS JOIN files f ON f.guid=d.guid AND f.delivery=d.delivery "
        "WHERE d.guid=? AND d.committed IS NOT NULL");
    if (!statement.blob(as_bytes(guid.bytes)).step()) return fail_sqlite(statement.code(), reading);
    return statement.next_number();
  });
}

Result<std::vector<space::SpaceSummary>> SqliteCatalog::summaries(const Guid& after, std::size_t most) {
  return impl_->survey([&](Connection& connection) -> Result<std::vector<space::SpaceSummary>> {
    Statement row = connection.prepare(
        // Spaces by their primary key, from the last guid on. What each holds is counted from its rows, by
        // files_by_delivery and uploads_by_delivery.
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
  return impl_->survey([](Connection& connection) -> Result<Totals> {
    Statement statement = connection.prepare("SELECT count(*),coalesce(sum(bytes+texts),0) FROM spaces WHERE phase<>2");
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

Result<std::vector<FileRow>> SqliteCatalog::files(std::span<const Id> ids) {
  return impl_->read([&](Connection& connection) -> Result<std::vector<FileRow>> {
    // A transaction: each statement by itself would take and give back the lock of the database, by two system calls.
    if (const int code = connection.execute("BEGIN"); code != SQLITE_OK) return fail_sqlite(code, reading);
    auto rows = read_files(connection, ids);
    connection.execute("COMMIT");
    return rows;
  });
}

Result<std::vector<DeliveryRow>> SqliteCatalog::open_deliveries() {
  return impl_->survey([](Connection& connection) { return read_open_deliveries(connection); });
}

Result<std::optional<std::string>> SqliteCatalog::remembered(const std::string& name) {
  return impl_->read([&](Connection& connection) -> Result<std::optional<std::string>> {
    Statement statement = connection.prepare("SELECT value FROM notes WHERE name=?");
    if (statement.text(name).step()) return statement.next_text();
    if (statement.failed()) return fail_sqlite(statement.code(), reading);
    return std::optional<std::string>();
  });
}

Result<std::vector<space::GoneDelivery>> SqliteCatalog::gone_deliveries() {
  return impl_->read([](Connection& connection) {
    return take_all(connection.prepare("SELECT delivery,guid FROM gone_deliveries"), take_gone<Statement>);
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
        // Each half by an index of its own (spaces_dying, spaces_by_expiry).
        "SELECT guid FROM spaces WHERE phase=2 UNION SELECT guid FROM spaces WHERE expires<=? LIMIT ?");
    statement.signed_number(now.time_since_epoch().count()).number(most);
    return take_ids(std::move(statement));
  });
}

Result<std::vector<UploadRow>> SqliteCatalog::uploads() {
  return impl_->survey([](Connection& connection) { return read_uploads(connection); });
}

Result<std::vector<space::BlobKey>> SqliteCatalog::blobs() {
  return impl_->survey([](Connection& connection) {
    return take_ids(
        // One statement, so one snapshot: a blob that goes from an upload to a file, or into the trash, is in one of
        // them.
        connection.prepare("SELECT blob FROM files UNION SELECT blob FROM uploads UNION SELECT blob FROM trash "
                           "UNION SELECT spare FROM uploads WHERE spare IS NOT NULL"));
  });
}

Result<std::vector<space::BlobKey>> SqliteCatalog::trash(const space::BlobKey& after, std::size_t most) {
  return impl_->read([&](Connection& connection) {
    // Behind the last key: a blob that cannot be removed stays, and is not listed again and again.
    Statement statement = connection.prepare("SELECT blob FROM trash WHERE blob>? ORDER BY blob LIMIT ?");
    statement.blob(as_bytes(after.bytes)).number(most);
    return take_ids(std::move(statement));
  });
}

Result<space::Extents> SqliteCatalog::extents(const space::BlobKey& blob) {
  return impl_->read([&](Connection& connection) { return read_extents(connection, blob); });
}

Result<bool> SqliteCatalog::shares_object(const std::string& object, const space::BlobKey& blob) {
  return impl_->read([&](Connection& connection) { return is_object_of_others(connection, object, blob); });
}

Result<std::vector<FileRow>> SqliteCatalog::files_after(const Id& last, std::size_t most) {
  return impl_->survey([&](Connection& connection) { return read_files_after(connection, last, most); });
}

Result<std::optional<space::ReceiptRow>> SqliteCatalog::receipt(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_receipt(connection, delivery); });
}

Result<std::vector<space::FileReceiptRow>> SqliteCatalog::file_receipts(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_file_receipts(connection, delivery); });
}

Result<std::optional<FileRow>> SqliteCatalog::past_file(const Id& file) {
  return impl_->read([&](Connection& connection) { return read_past_file(connection, file); });
}

Result<std::vector<FileRow>> SqliteCatalog::past_files(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_past_files(connection, delivery); });
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
        // By share_files_by_taken: the least is its first entry.
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
    // By the partial index shares_sending (1 is ShareState::sending).
    Statement statement = connection.prepare("SELECT share FROM shares WHERE notice=1 AND noticed<?");
    statement.signed_number(noticed.time_since_epoch().count());
    return take_ids(std::move(statement));
  });
}

Result<void> SqliteCatalog::purge() {
  return impl_->writer.purge();
}

// Of a large catalog it takes minutes. So on a connection of its own: a sweep does not wait for it, nor do the metrics,
// whose few threads would be gone for the other pages of the operator.
Result<void> SqliteCatalog::check() {
  const std::lock_guard lock(impl_->check_mutex);
  const auto connection = Connection::open(impl_->path, Connection::Access::read);
  if (!connection) return tl::unexpected(connection.error());
  // At most ten findings: one is enough to know.
  Statement statement = (*connection)->prepare("PRAGMA integrity_check(10)");
  if (!statement.step()) return fail_sqlite(statement.code(), "cannot check the catalog");
  if (const std::string found = statement.next_text(); found != "ok")
    return fail(Kind::integrity, "the catalog is damaged: " + found);
  return {};
}

}  // namespace qrx::store
