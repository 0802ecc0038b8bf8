#include "pg/pg_schema.h"

#include <array>
#include <optional>
#include <string>

namespace qrx::pg {
namespace {

// Times are milliseconds since 1970, ids 16 bytes. `number` keeps the order of arrival in a space: it is drawn while
// the space's row is locked. Texts of strangers are bytes. `changes` of a space grows with every transaction that
// changed anything of it, `seq` with those that its readers are to see.
constexpr std::array<const char*, schema_version> steps{R"(
CREATE TABLE spaces(
  guid bytea PRIMARY KEY, owner_hash bytea NOT NULL, label bytea NOT NULL, key bytea NOT NULL, seal bigint NOT NULL,
  max_size bigint NOT NULL, max_files bigint NOT NULL, created bigint NOT NULL, expires bigint NOT NULL,
  phase bigint NOT NULL, seq bigint NOT NULL, changes bigint NOT NULL DEFAULT 1,
  bytes bigint NOT NULL DEFAULT 0, files bigint NOT NULL DEFAULT 0, manifests bigint NOT NULL DEFAULT 0,
  parts bigint NOT NULL DEFAULT 0) WITH (fillfactor=70);
CREATE INDEX spaces_by_expiry ON spaces(expires);
CREATE INDEX spaces_dying ON spaces(guid) WHERE phase = 2;
CREATE TABLE deliveries(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, delivery bytea NOT NULL UNIQUE, guid bytea NOT NULL,
  message bytea NOT NULL, created bigint NOT NULL, committed bigint);
CREATE INDEX deliveries_by_commit ON deliveries(guid, committed, number);
CREATE INDEX deliveries_open ON deliveries(delivery) WHERE committed IS NULL;
CREATE TABLE files(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, file bytea NOT NULL UNIQUE, delivery bytea NOT NULL,
  guid bytea NOT NULL, name bytea NOT NULL, size bigint NOT NULL, type bytea NOT NULL, xxh128 bytea NOT NULL,
  sha256 bytea, sealed bigint NOT NULL, blob bytea NOT NULL, blob_offset bigint NOT NULL, modified bigint,
  executable bigint NOT NULL);
CREATE INDEX files_by_delivery ON files(guid, delivery, number);
CREATE TABLE uploads(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, upload bytea NOT NULL UNIQUE, delivery bytea NOT NULL,
  guid bytea NOT NULL, name bytea NOT NULL, metadata bytea NOT NULL, length bigint, "offset" bigint NOT NULL,
  epoch bigint NOT NULL, blob bytea NOT NULL, lone bigint NOT NULL, partial bigint NOT NULL, damaged bigint NOT NULL,
  created bigint NOT NULL, expires bigint NOT NULL, holder bytea, spare bytea) WITH (fillfactor=70);
CREATE INDEX uploads_by_space ON uploads(guid, delivery);
CREATE TABLE trash(blob bytea PRIMARY KEY);
CREATE TABLE notes(name bytea PRIMARY KEY, value bytea NOT NULL);
CREATE TABLE shares(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, share bytea NOT NULL UNIQUE, guid bytea NOT NULL,
  link_hash bytea NOT NULL UNIQUE, recipient bytea NOT NULL, message bytea NOT NULL, most bigint NOT NULL,
  created bigint NOT NULL, expires bigint, notice bigint NOT NULL, noticed bigint NOT NULL, progress bigint NOT NULL,
  revoked bigint NOT NULL, files_taken bigint NOT NULL, history bytea NOT NULL);
CREATE INDEX shares_by_space ON shares(guid, number);
CREATE INDEX shares_sending ON shares(noticed) WHERE notice = 1;
CREATE TABLE share_files(
  share bytea NOT NULL, file bytea NOT NULL, guid bytea NOT NULL, taken bigint NOT NULL, parts bytea NOT NULL,
  PRIMARY KEY(share, file));
CREATE INDEX share_files_by_space ON share_files(guid);
CREATE TABLE flights(
  flight bytea PRIMARY KEY, share bytea NOT NULL, file bytea NOT NULL, node bytea NOT NULL, first bigint NOT NULL,
  bytes bigint NOT NULL, until bigint NOT NULL);
CREATE INDEX flights_by_share ON flights(share, file);
CREATE INDEX flights_by_node ON flights(node);
CREATE TABLE outbox(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, share bytea NOT NULL UNIQUE, guid bytea NOT NULL,
  transport bytea NOT NULL, token bytea NOT NULL, key bytea NOT NULL, created bigint NOT NULL, due bigint NOT NULL,
  attempts bigint NOT NULL, claimed bytea);
CREATE INDEX outbox_by_space ON outbox(guid);
CREATE INDEX outbox_by_due ON outbox(due, number);
CREATE TABLE notice_counts(day bigint NOT NULL, name bytea NOT NULL, count bigint NOT NULL, PRIMARY KEY(day, name));
CREATE TABLE receipts(
  delivery bytea PRIMARY KEY, guid bytea NOT NULL, version bigint NOT NULL, rest bigint NOT NULL,
  saved bigint NOT NULL, declined bigint NOT NULL, kept bigint NOT NULL, missing bigint NOT NULL, at bigint NOT NULL);
CREATE INDEX receipts_by_time ON receipts(at);
CREATE TABLE file_receipts(
  delivery bytea NOT NULL, file bytea NOT NULL, guid bytea NOT NULL, state bigint NOT NULL,
  PRIMARY KEY(delivery, file));
CREATE INDEX file_receipts_by_space ON file_receipts(guid);
CREATE TABLE nodes(node bytea PRIMARY KEY, version bytea NOT NULL, began timestamptz NOT NULL DEFAULT now(),
  seen timestamptz NOT NULL DEFAULT now());
)",
                                                        // What a blob in a store of objects is made of: `size` bytes
                                                        // from `first` on are those of the object from `at` on.
                                                        R"(
CREATE TABLE segments(
  blob bytea NOT NULL, first bigint NOT NULL, size bigint NOT NULL, object bytea NOT NULL, at bigint NOT NULL,
  PRIMARY KEY(blob, first));
CREATE INDEX segments_by_object ON segments(object);
INSERT INTO notes(name,value)
  VALUES('catalog id', convert_to(replace(gen_random_uuid()::text, '-', ''), 'UTF8'));
)",
                                                        R"(
-- What is kept of files that were cleared, for their senders.
CREATE TABLE past_files(
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, file bytea NOT NULL UNIQUE, delivery bytea NOT NULL,
  guid bytea NOT NULL, name bytea NOT NULL, size bigint NOT NULL, xxh128 bytea NOT NULL);
CREATE INDEX past_files_by_delivery ON past_files(delivery, number);
CREATE INDEX past_files_by_space ON past_files(guid, number);
)",
                                                        R"(
-- The share of one recipient, of a space that has thousands. By a sum: a recipient may have 2 KiB, which is nearly
-- what an entry of an index may have.
CREATE INDEX shares_by_recipient ON shares(guid, sha256(recipient));
-- What all spaces hold, as it was counted last by any node. Of no use after a crash, so nobody waits for it to be
-- written.
CREATE UNLOGGED TABLE totals(
  one boolean PRIMARY KEY DEFAULT true CHECK(one), counted timestamptz NOT NULL, spaces bigint NOT NULL,
  bytes bigint NOT NULL);
-- crash_mark.h.
CREATE UNLOGGED TABLE crash_marks(node bytea NOT NULL, mark bigint NOT NULL, PRIMARY KEY(node,mark));
)",
                                                        R"(
-- What names and messages take of a space, counted before the table is locked. Nodes of an older version count none of
-- theirs.
CREATE TEMP TABLE counted ON COMMIT DROP AS SELECT s.guid,
  (SELECT coalesce(sum(octet_length(name)), 0) FROM files f WHERE f.guid = s.guid) +
  (SELECT coalesce(sum(octet_length(name)), 0) FROM uploads u WHERE u.guid = s.guid AND u."offset" > 0) +
  (SELECT coalesce(sum(octet_length(message)), 0) FROM deliveries d
   WHERE d.guid = s.guid AND d.committed IS NOT NULL) AS texts FROM spaces s;
ALTER TABLE spaces ADD COLUMN texts bigint NOT NULL DEFAULT 0;
UPDATE spaces s SET changes = changes + 1, texts = c.texts FROM counted c WHERE c.guid = s.guid AND c.texts > 0;
-- What a node is called, and what it allows: others compare it with theirs. Nodes of an older version say neither.
-- The last, for no node can show that it lives while this table is locked.
ALTER TABLE nodes ADD COLUMN IF NOT EXISTS name bytea, ADD COLUMN IF NOT EXISTS policy bytea;
)",
                                                        R"(
-- Deliveries that are gone while rows of them are left, which go some at a time. Nodes of an older version show their
-- files for that while to who has their ids.
CREATE TABLE gone_deliveries(delivery bytea PRIMARY KEY, guid bytea NOT NULL, keeps_past bigint NOT NULL);
)",
                                                        R"(
-- What goes with a space is found by it.
CREATE INDEX gone_deliveries_by_space ON gone_deliveries(guid);
-- Whether whoever opens the items of a space understands packs. Nodes of an older version make spaces without.
ALTER TABLE spaces ADD COLUMN packs bigint NOT NULL DEFAULT 0;
)"};

constexpr const char* looking = "cannot read the catalog";
constexpr const char* changing = "cannot make the tables of the catalog";
// Held while tables are made or changed; "qrx", as a number.
constexpr const char* begin_alone =
    "BEGIN; SET LOCAL lock_timeout='30s'; SELECT pg_advisory_xact_lock(7434872); "
    "CREATE TABLE IF NOT EXISTS qrx(version bigint NOT NULL, writes_since bigint NOT NULL)";

struct Versions {
  std::int64_t version = 0, writes_since = 0;
};

// Looks whether the table is there first: a statement that fails would end the transaction.
Result<Versions> read_versions(Connection& connection) {
  Statement there = connection.prepare("SELECT count(*) FROM pg_class WHERE oid=to_regclass('qrx')");
  if (!there.step()) return connection.failure().error(looking);
  if (there.next_number() == 0) return Versions{};
  Statement row = connection.prepare("SELECT version,writes_since FROM qrx");
  if (row.step()) return Versions{row.next_signed_number(), row.next_signed_number()};
  if (row.failed()) return connection.failure().error(looking);
  return Versions{};
}

tl::unexpected<Error> give_up(Connection& connection) {
  const auto error = connection.failure().error(changing);
  connection.execute("ROLLBACK");
  return error;
}

}  // namespace

// Many nodes may start at once: the advisory lock lets one of them make the tables, and the others find the version
// when they get it.
Result<bool> migrate_schema(Connection& connection) {
  connection.set_silence(std::chrono::hours(24));  // a step may read all that there is
  if (!connection.execute(begin_alone)) return give_up(connection);
  const auto from = read_versions(connection);
  if (!from) return give_up(connection);
  if (from->version >= schema_version) {
    connection.execute("ROLLBACK");
    return false;
  }
  for (std::int64_t step = from->version; step < schema_version; ++step)
    if (!connection.execute(steps[static_cast<std::size_t>(step)])) return give_up(connection);
  // In the transaction of the steps: tables and version change together or not at all.
  const std::string versions = std::to_string(schema_version) + "," + std::to_string(writes_since);
  if (!connection.execute("DELETE FROM qrx; INSERT INTO qrx(version,writes_since) VALUES(" + versions + "); COMMIT"))
    return give_up(connection);
  return true;
}

Result<bool> check_schema(Connection& connection) {
  auto found = read_versions(connection);
  if (!found) return tl::unexpected(found.error());
  bool made = false;
  if (found->version == 0 && found->writes_since == 0) {
    auto migrated = migrate_schema(connection);
    if (!migrated) return migrated;
    made = *migrated;
    found = read_versions(connection);
    if (!found) return tl::unexpected(found.error());
  }
  // Nodes of two versions run side by side during an upgrade: an older one may write as long as the newer tables say
  // so.
  if (found->writes_since > schema_version)
    return fail(Kind::usage, "a newer qrx-serve made the tables of this catalog", "install that version here, too");
  if (found->version < schema_version)
    return fail(Kind::unavailable, "the tables of this catalog are of an older qrx-serve",
                "bring them up to date with qrx-serve migrate");
  return made;
}

}  // namespace qrx::pg
