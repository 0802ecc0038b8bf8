#include "pg/pg_catalog.h"

#include <chrono>
#include <thread>

#include "pg/counted_cache.h"
#include "pg/node_bus.h"
#include "pg/pg_changes.h"
#include "pg/pg_counts.h"
#include "pg/pg_past_files.h"
#include "pg/pg_pool.h"
#include "pg/pg_reading.h"
#include "pg/pg_schema.h"
#include "pg/pg_totals.h"
#include "pg/pooler.h"
#include "store/removal_sql.h"

namespace qrx::pg {
namespace {

using space::DeliveryRow;
using space::FileRow;
using space::NoticeRow;
using space::ShareFileRow;
using space::ShareRow;
using space::SpaceState;
using space::UploadRow;

}  // namespace

struct PgCatalog::Impl {
  Impl(const std::string& dsn, const PgOptions& chosen)
      : pool(dsn, chosen.most_connections),
        cache(chosen.most_cached_rows),
        bus(dsn, chosen.listen_dsn.empty() ? dsn : chosen.listen_dsn, crashes) {}

  PgCounts counts;
  Pool pool;
  CountedCache cache;
  bool is_new = false;
  CrashMark crashes{Id::random()};  // of this node, until it ends
  NodeBus bus;

  // Runs `with` on a connection, and again on a new one when that is lost.
  template <class Read>
  auto read(Read&& with) -> decltype(with(std::declval<Connection&>())) {
    // A restart or a failover of the database takes some seconds: readers wait for it rather than fail.
    const auto until = std::chrono::steady_clock::now() + give_up_after;
    for (;;) {
      auto connection = pool.take();
      if (connection) {
        auto result = with(**connection);
        // An error of the statement itself would come again: only a lost connection is worth another try.
        if (result || !(*connection)->lost() || std::chrono::steady_clock::now() >= until) return result;
      } else if (std::chrono::steady_clock::now() >= until) {
        return tl::unexpected(connection.error());
      }
      // The pool remembers a refusal for a while: this is no storm of connections.
      std::this_thread::sleep_for(Millis(20));
    }
  }

  // The same, with one snapshot for all its statements.
  template <class Read>
  auto read_still(Read&& with) {
    return read([&](Connection& connection) -> decltype(with(connection)) {
      if (!connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        return connection.failure().error(reading);
      auto result = with(connection);
      connection.execute(result ? "COMMIT" : "ROLLBACK");
      return result;
    });
  }
};

PgCatalog::PgCatalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PgCatalog::~PgCatalog() = default;

Result<std::unique_ptr<PgCatalog>> PgCatalog::open(const std::string& dsn, PgOptions options) {
  auto connection = open_checked(dsn, options.listen_dsn);
  if (!connection) return tl::unexpected(connection.error());
  auto impl = std::make_unique<Impl>(dsn, options);
  const auto made = check_schema(**connection);
  if (!made) return tl::unexpected(made.error());
  // Known before anything is served: blobs without their catalog must not be taken for orphans
  // (serve/operations/data.cpp).
  impl->is_new = *made;
  if (auto started = impl->bus.start(std::move(*connection)); !started) return tl::unexpected(started.error());
  return std::unique_ptr<PgCatalog>(new PgCatalog(std::move(impl)));
}

Result<bool> PgCatalog::migrate(const std::string& dsn) {
  if (auto good = check_dsn(dsn, "--catalog"); !good) return tl::unexpected(good.error());
  auto connection = Connection::open(dsn);
  if (!connection) return tl::unexpected(connection.error());
  return migrate_schema(**connection);
}

Clock& PgCatalog::clock() {
  return impl_->bus.clock();
}
bool PgCatalog::is_new() const {
  return impl_->is_new;
}
void PgCatalog::join(space::NodeEvents& events) {
  impl_->bus.join(events);
}
void PgCatalog::leave() {
  impl_->bus.leave();
}
void PgCatalog::tell(const Id& topic, bool may_wait) {
  impl_->bus.tell(topic, may_wait);
}
Result<void> PgCatalog::health() {
  return impl_->bus.health();
}
void PgCatalog::introduce(space::NodeCard card) {
  impl_->bus.introduce(std::move(card));
}
void PgCatalog::measure(Measures& to) const {
  impl_->bus.measure(to);
  add_measures(to, impl_->counts, impl_->pool.in_use());
}

Result<void> PgCatalog::change(space::Durability durability,
                               const std::function<Result<void>(space::Transaction&)>& work) {
  return run_change(impl_->pool, impl_->counts, impl_->crashes, durability, work, give_up_after);
}

// What is kept is compared with the count of changes in the row, one look by primary key: another node may have changed
// the space, and its word comes later.
Result<std::shared_ptr<const SpaceState>> PgCatalog::space(const Guid& guid) {
  if (const auto kept = impl_->cache.find(guid)) {
    auto changes = impl_->read([&](Connection& connection) -> Result<std::optional<std::int64_t>> {
      Statement row = by_id(connection, "SELECT changes FROM spaces WHERE guid=? AND phase<>2", guid);
      if (row.step()) return row.next_signed_number();
      if (row.failed()) return connection.failure().error(reading);
      return std::optional<std::int64_t>();
    });
    if (!changes) return tl::unexpected(changes.error());
    if (*changes == kept->changes) return kept->state;
    if (!*changes) impl_->cache.forget(guid);
  }
  auto read = impl_->read([&](Connection& connection) { return read_space(connection, guid, Still::snapshot); });
  if (!read) return tl::unexpected(read.error());
  if (!*read) return std::shared_ptr<const SpaceState>();
  auto state = std::make_shared<const SpaceState>(std::move((*read)->state));
  impl_->cache.keep(guid, {state, (*read)->changes});
  return state;
}

Result<std::optional<std::uint64_t>> PgCatalog::seq(const Guid& guid) {
  return impl_->read([&](Connection& connection) -> Result<std::optional<std::uint64_t>> {
    Statement row = by_id(connection, "SELECT seq FROM spaces WHERE guid=? AND phase<>2", guid);
    if (row.step()) return row.next_number();
    if (row.failed()) return connection.failure().error(reading);
    return std::optional<std::uint64_t>();
  });
}

Result<space::CommittedPage> PgCatalog::committed(const Guid& guid, const space::PageStart& from,
                                                  const space::PageSize& most) {
  return impl_->read_still([&](Connection& connection) { return read_committed(connection, guid, from, most); });
}

Result<std::uint64_t> PgCatalog::committed_files(const Guid& guid) {
  return impl_->read([&](Connection& connection) {
    return take_number(connection, by_id(connection,
                                         "SELECT count(*) FROM deliveries d JOIN files f ON f.guid=d.guid AND "
                                         "f.delivery=d.delivery WHERE d.guid=? AND d.committed IS NOT NULL",
                                         guid));
  });
}

Result<std::vector<space::SpaceSummary>> PgCatalog::summaries(const Guid& after, std::size_t most) {
  return impl_->read([&](Connection& connection) -> Result<std::vector<space::SpaceSummary>> {
    Statement row = connection.prepare(
        // By the primary key, from the last guid on.
        "SELECT guid,label,created,expires,phase,(SELECT count(*) FROM files f WHERE f.guid=s.guid),bytes,"
        "(SELECT count(*) FROM uploads u WHERE u.guid=s.guid) "
        "FROM spaces s WHERE guid>? AND phase<>2 ORDER BY guid LIMIT ?");
    row.blob(as_bytes(after.bytes)).number(most);
    std::vector<space::SpaceSummary> out;
    while (row.step()) {
      space::SpaceSummary& one = out.emplace_back();
      one.guid = store::to_id(row.next_blob());
      one.label = row.next_text();
      one.created = store::to_time(row.next_signed_number());
      one.expires = store::to_time(row.next_signed_number());
      one.phase = static_cast<space::Phase>(row.next_number());
      one.files = row.next_number();
      one.bytes = row.next_number();
      one.uploads = row.next_number();
    }
    if (row.failed()) return connection.failure().error(reading);
    return out;
  });
}

Result<space::Catalog::Totals> PgCatalog::totals() {
  return impl_->read(read_totals);
}
Result<std::optional<FileRow>> PgCatalog::file(const Id& file) {
  return impl_->read([&](Connection& connection) {
    return take_one(connection,
                    by_id(connection, "SELECT " QRX_FILE_COLUMNS " FROM files WHERE file=?" QRX_NOT_GONE, file),
                    store::take_file<Statement>);
  });
}

Result<std::vector<FileRow>> PgCatalog::files(std::span<const Id> ids) {
  return impl_->read([&](Connection& connection) { return read_files(connection, ids); });
}

Result<std::vector<DeliveryRow>> PgCatalog::open_deliveries() {
  return impl_->read([](Connection& connection) {
    return take_all(connection,
                    // By the partial index deliveries_open.
                    connection.prepare("SELECT " QRX_DELIVERY_COLUMNS " FROM deliveries WHERE committed IS NULL"),
                    store::take_delivery<Statement>);
  });
}

Result<std::optional<std::string>> PgCatalog::remembered(const std::string& name) {
  return impl_->read([&](Connection& connection) -> Result<std::optional<std::string>> {
    Statement row = connection.prepare("SELECT value FROM notes WHERE name=?");
    row.text(name);
    if (row.step()) return row.next_text();
    if (row.failed()) return connection.failure().error(reading);
    return std::optional<std::string>();
  });
}

Result<std::vector<Guid>> PgCatalog::expired(WallTime now, std::size_t most) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare(
        // Each half by an index of its own (spaces_dying, spaces_by_expiry).
        "SELECT guid FROM spaces WHERE phase=2 UNION SELECT guid FROM spaces WHERE expires<=? LIMIT ?");
    statement.signed_number(store::to_number(now)).number(most);
    return take_ids(connection, std::move(statement));
  });
}

Result<std::vector<space::GoneDelivery>> PgCatalog::gone_deliveries() {
  return impl_->read(read_gone_deliveries);
}

Result<std::vector<UploadRow>> PgCatalog::uploads() {
  return impl_->read([](Connection& connection) {
    return take_all(connection, connection.prepare("SELECT " QRX_UPLOAD_COLUMNS " FROM uploads ORDER BY number"),
                    store::take_upload<Statement>);
  });
}

Result<std::vector<space::BlobKey>> PgCatalog::blobs() {
  return impl_->read([](Connection& connection) {
    return take_ids(
        connection,
        // One snapshot: a blob that goes from an upload to a file, or into the trash, is in one of them.
        connection.prepare("SELECT blob FROM files UNION SELECT blob FROM uploads UNION SELECT blob FROM trash "
                           "UNION SELECT spare FROM uploads WHERE spare IS NOT NULL"));
  });
}

Result<std::vector<space::BlobKey>> PgCatalog::trash(const space::BlobKey& after, std::size_t most) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare("SELECT blob FROM trash WHERE blob>? ORDER BY blob LIMIT ?");
    statement.blob(as_bytes(after.bytes)).number(most);
    return take_ids(connection, std::move(statement));
  });
}

Result<space::Extents> PgCatalog::extents(const space::BlobKey& blob) {
  return impl_->read([&](Connection& connection) {
    return take_all(connection,
                    by_id(connection, "SELECT first,size,object,at FROM segments WHERE blob=? ORDER BY first", blob),
                    store::take_extent<Statement>);
  });
}

Result<bool> PgCatalog::shares_object(const std::string& object, const space::BlobKey& blob) {
  return impl_->read([&](Connection& connection) -> Result<bool> {
    Statement statement = connection.prepare("SELECT 1 FROM segments WHERE object=? AND blob<>? LIMIT 1");
    statement.text(object).blob(as_bytes(blob.bytes));
    const bool found = statement.step();
    if (statement.failed()) return connection.failure().error(reading);
    return found;
  });
}

Result<std::vector<FileRow>> PgCatalog::files_after(const Id& last, std::size_t most) {
  return impl_->read([&](Connection& connection) {
    Statement statement =
        connection.prepare("SELECT " QRX_FILE_COLUMNS " FROM files WHERE file>? ORDER BY file LIMIT ?");
    statement.blob(as_bytes(last.bytes)).number(most);
    return take_all(connection, std::move(statement), store::take_file<Statement>);
  });
}

Result<std::optional<space::ReceiptRow>> PgCatalog::receipt(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_receipt(connection, delivery); });
}

Result<std::vector<space::FileReceiptRow>> PgCatalog::file_receipts(const Id& delivery) {
  return impl_->read([&](Connection& connection) {
    return take_all(
        connection,
        by_id(connection, "SELECT " QRX_FILE_RECEIPT_COLUMNS " FROM file_receipts WHERE delivery=?", delivery),
        store::take_file_receipt<Statement>);
  });
}

Result<std::optional<FileRow>> PgCatalog::past_file(const Id& file) {
  return impl_->read([&](Connection& connection) { return read_past_file(connection, file); });
}

Result<std::vector<FileRow>> PgCatalog::past_files(const Id& delivery) {
  return impl_->read([&](Connection& connection) { return read_past_files(connection, delivery); });
}

Result<space::SharePage> PgCatalog::shares(const Guid& guid, std::uint64_t next, const space::SharePageSize& most) {
  return impl_->read([&](Connection& connection) { return read_shares(connection, guid, next, most); });
}

Result<std::optional<ShareRow>> PgCatalog::share(const Id& share) {
  return impl_->read([&](Connection& connection) { return read_share(connection, share); });
}

Result<std::optional<ShareRow>> PgCatalog::share_of_link(const Sha256Sum& link_hash) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare("SELECT " QRX_SHARE_COLUMNS " FROM shares WHERE link_hash=?");
    statement.blob(as_bytes(link_hash));
    return take_one(connection, std::move(statement), store::take_share<Statement>);
  });
}

Result<std::optional<ShareFileRow>> PgCatalog::share_file(const Id& share, const Id& file) {
  return impl_->read([&](Connection& connection) { return read_share_file(connection, share, file); });
}

Result<std::vector<ShareFileRow>> PgCatalog::share_files(const Id& share) {
  return impl_->read([&](Connection& connection) {
    return take_all(connection,
                    by_id(connection, "SELECT " QRX_SHARE_FILE_COLUMNS " FROM share_files WHERE share=?", share),
                    store::take_share_file<Statement>);
  });
}

Result<std::uint64_t> PgCatalog::least_taken(const Id& share) {
  return impl_->read([&](Connection& connection) {
    return take_number(
        connection,
        by_id(connection, "SELECT coalesce(min(taken),0) FROM share_files WHERE share=? AND taken>0", share));
  });
}

// Names of transports have no blanks: " mail " is found in " mail exec.x ", and never in a part of a name. Two nodes
// may read the same one: the transaction that claims it decides (ShareNotices::take).
Result<std::optional<NoticeRow>> PgCatalog::next_notice(const std::string& busy) {
  return impl_->read([&](Connection& connection) {
    Statement statement = connection.prepare(
        "SELECT " QRX_NOTICE_COLUMNS
        " FROM outbox WHERE claimed IS NULL AND position('\\x20'::bytea||transport||'\\x20'::bytea in ?)=0 "
        "ORDER BY due,number LIMIT 1");
    statement.text(busy);
    return take_one(connection, std::move(statement), take_notice);
  });
}

// Of nodes that are gone: what the others have claimed they are about.
Result<std::vector<NoticeRow>> PgCatalog::claimed_notices() {
  return impl_->read([](Connection& connection) {
    return take_all(connection,
                    connection.prepare("SELECT " QRX_NOTICE_COLUMNS
                                       " FROM outbox WHERE claimed IS NOT NULL AND NOT " QRX_ALIVE("claimed")),
                    take_notice);
  });
}

Result<std::vector<Id>> PgCatalog::claims_before(WallTime noticed) {
  return impl_->read([&](Connection& connection) {
    // By the partial index shares_sending (1 is ShareState::sending).
    Statement statement = connection.prepare("SELECT share FROM shares WHERE notice=1 AND noticed<?");
    statement.signed_number(store::to_number(noticed));
    return take_ids(connection, std::move(statement));
  });
}

// PostgreSQL checks its pages itself (data_checksums, pg_amcheck); this is whether it answers, and what qrx counts.
Result<void> PgCatalog::check() {
  const auto wrong = impl_->read(count_wrong_sums);
  if (!wrong) return tl::unexpected(wrong.error());
  if (*wrong > 0)
    return fail(Kind::integrity, "the catalog is damaged: " + std::to_string(*wrong) + " spaces count other bytes");
  return {};
}

}  // namespace qrx::pg
