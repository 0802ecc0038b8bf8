#include "store/schema.h"

namespace qrx::store {

// Times are milliseconds since 1970, ids blobs of 16 bytes. `number` keeps the order of arrival.
// A step is never changed once it was released, for databases exist that were made by it: what is to change gets a step
// of its own. Partial indexes (dying, open, sending, taken) have as many rows as there is work, however large the
// table.
const char* const schema_steps[schema_version] = {
    R"(
CREATE TABLE spaces(
  guid BLOB PRIMARY KEY, owner_hash BLOB NOT NULL, label TEXT NOT NULL, key TEXT NOT NULL, seal INTEGER NOT NULL,
  max_size INTEGER NOT NULL, max_files INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,
  phase INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX spaces_by_expiry ON spaces(expires);
CREATE INDEX spaces_dying ON spaces(guid) WHERE phase = 2;
CREATE TABLE deliveries(
  number INTEGER PRIMARY KEY, delivery BLOB NOT NULL UNIQUE, guid BLOB NOT NULL, message TEXT NOT NULL,
  created INTEGER NOT NULL, committed INTEGER) STRICT;
CREATE INDEX deliveries_by_space ON deliveries(guid);
CREATE INDEX deliveries_open ON deliveries(delivery) WHERE committed IS NULL;
CREATE TABLE files(
  number INTEGER PRIMARY KEY, file BLOB NOT NULL UNIQUE, delivery BLOB NOT NULL, guid BLOB NOT NULL,
  name TEXT NOT NULL, size INTEGER NOT NULL, type TEXT NOT NULL, xxh128 BLOB NOT NULL, sha256 BLOB,
  sealed INTEGER NOT NULL, blob BLOB NOT NULL, blob_offset INTEGER NOT NULL) STRICT;
CREATE INDEX files_by_space ON files(guid);
CREATE TABLE uploads(
  number INTEGER PRIMARY KEY, upload BLOB NOT NULL UNIQUE, delivery BLOB NOT NULL, guid BLOB NOT NULL,
  name TEXT NOT NULL, metadata TEXT NOT NULL, length INTEGER, offset INTEGER NOT NULL, epoch INTEGER NOT NULL,
  blob BLOB NOT NULL, lone INTEGER NOT NULL, partial INTEGER NOT NULL, damaged INTEGER NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
CREATE INDEX uploads_by_space ON uploads(guid);
CREATE TABLE notes(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
)",
    R"(
CREATE TABLE shares(
  number INTEGER PRIMARY KEY, share BLOB NOT NULL UNIQUE, guid BLOB NOT NULL, link_hash BLOB NOT NULL UNIQUE,
  recipient TEXT NOT NULL, message TEXT NOT NULL, most INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER,
  notice INTEGER NOT NULL, noticed INTEGER NOT NULL, progress INTEGER NOT NULL, revoked INTEGER NOT NULL,
  files_taken INTEGER NOT NULL, history TEXT NOT NULL) STRICT;
CREATE INDEX shares_by_space ON shares(guid, recipient);
CREATE INDEX shares_sending ON shares(noticed) WHERE notice = 1;
CREATE TABLE share_files(
  share BLOB NOT NULL, file BLOB NOT NULL, guid BLOB NOT NULL, taken INTEGER NOT NULL, parts TEXT NOT NULL,
  PRIMARY KEY(share, file)) STRICT, WITHOUT ROWID;
CREATE INDEX share_files_by_space ON share_files(guid);
CREATE INDEX share_files_by_taken ON share_files(share, taken) WHERE taken > 0;
CREATE TABLE outbox(
  number INTEGER PRIMARY KEY, share BLOB NOT NULL UNIQUE, guid BLOB NOT NULL, transport TEXT NOT NULL,
  token TEXT NOT NULL, key TEXT NOT NULL, created INTEGER NOT NULL, due INTEGER NOT NULL, attempts INTEGER NOT NULL,
  claimed INTEGER NOT NULL) STRICT;
CREATE INDEX outbox_by_space ON outbox(guid);
CREATE INDEX outbox_by_due ON outbox(due);
CREATE TABLE notice_counts(
  day INTEGER NOT NULL, name TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY(day, name)) STRICT, WITHOUT ROWID;
)",
    // A space is read page by page: its deliveries as they were committed, the files of each.
    R"(
CREATE INDEX deliveries_by_commit ON deliveries(guid, committed);
DROP INDEX deliveries_by_space;
CREATE INDEX files_by_delivery ON files(guid, delivery);
DROP INDEX files_by_space;
)",
    // What a space's rows hold is counted with them ('qrx-manifest.age' is wire::manifest_name). Blobs outlive their
    // rows by a row in the trash.
    R"(
ALTER TABLE spaces ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spaces ADD COLUMN files INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spaces ADD COLUMN manifests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE spaces ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
UPDATE spaces SET
  bytes = (SELECT coalesce(sum(size), 0) FROM files f WHERE f.guid = spaces.guid) +
          (SELECT coalesce(sum(offset), 0) FROM uploads u WHERE u.guid = spaces.guid),
  files = (SELECT count(*) FROM files f WHERE f.guid = spaces.guid AND f.name <> 'qrx-manifest.age') +
          (SELECT count(*) FROM uploads u
           WHERE u.guid = spaces.guid AND u.offset > 0 AND NOT u.partial AND u.name <> 'qrx-manifest.age'),
  manifests = (SELECT count(*) FROM files f WHERE f.guid = spaces.guid AND f.name = 'qrx-manifest.age') +
              (SELECT count(*) FROM uploads u
               WHERE u.guid = spaces.guid AND u.offset > 0 AND NOT u.partial AND u.name = 'qrx-manifest.age') +
              (SELECT count(*) FROM deliveries d WHERE d.guid = spaces.guid AND d.committed IS NOT NULL AND
               NOT EXISTS (SELECT 1 FROM files f WHERE f.guid = d.guid AND f.delivery = d.delivery)),
  parts = (SELECT count(*) FROM uploads u WHERE u.guid = spaces.guid AND u.offset > 0 AND u.partial);
CREATE TABLE trash(blob BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
)",
    // Of many nodes: who writes an upload, and what is on its way to whom.
    R"(
ALTER TABLE uploads ADD COLUMN holder BLOB;
ALTER TABLE uploads ADD COLUMN spare BLOB;
CREATE TABLE flights(
  flight BLOB PRIMARY KEY, share BLOB NOT NULL, file BLOB NOT NULL, node BLOB NOT NULL, first INTEGER NOT NULL,
  bytes INTEGER NOT NULL, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX flights_by_share ON flights(share, file);
)",
    // What is kept of a file beside its bytes.
    R"(
ALTER TABLE files ADD COLUMN modified INTEGER;
ALTER TABLE files ADD COLUMN executable INTEGER NOT NULL DEFAULT 0;
)",
    // The shares of a space are read page by page, too, as they were made.
    R"(
CREATE INDEX shares_by_number ON shares(guid, number);
)",
    // What receivers said became of deliveries. `receipts` outlive their space for a while.
    R"(
CREATE TABLE receipts(
  delivery BLOB PRIMARY KEY, guid BLOB NOT NULL, version INTEGER NOT NULL, rest INTEGER NOT NULL,
  saved INTEGER NOT NULL, declined INTEGER NOT NULL, kept INTEGER NOT NULL, missing INTEGER NOT NULL,
  at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_time ON receipts(at);
CREATE TABLE file_receipts(
  delivery BLOB NOT NULL, file BLOB NOT NULL, guid BLOB NOT NULL, state INTEGER NOT NULL,
  PRIMARY KEY(delivery, file)) STRICT, WITHOUT ROWID;
CREATE INDEX file_receipts_by_space ON file_receipts(guid);
)",
    // What a blob in a store of objects is made of: `size` bytes from `first` on are those of the object from `at` on.
    // And by what such a store knows whose its objects are.
    R"(
CREATE TABLE segments(
  blob BLOB NOT NULL, first INTEGER NOT NULL, size INTEGER NOT NULL, object TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(blob, first)) STRICT, WITHOUT ROWID;
CREATE INDEX segments_by_object ON segments(object);
INSERT INTO notes(name,value) VALUES('catalog id', lower(hex(randomblob(16))));
)",
    // What is kept of files that were cleared, for their senders.
    R"(
CREATE TABLE past_files(
  number INTEGER PRIMARY KEY, file BLOB NOT NULL UNIQUE, delivery BLOB NOT NULL, guid BLOB NOT NULL,
  name TEXT NOT NULL, size INTEGER NOT NULL, xxh128 BLOB NOT NULL) STRICT;
CREATE INDEX past_files_by_delivery ON past_files(delivery);
CREATE INDEX past_files_by_space ON past_files(guid);
)",
    // What names and messages take of a space. length() counts the characters of a text, and the bytes of a blob.
    R"(
ALTER TABLE spaces ADD COLUMN texts INTEGER NOT NULL DEFAULT 0;
UPDATE spaces SET
  texts = (SELECT coalesce(sum(length(CAST(name AS BLOB))), 0) FROM files f WHERE f.guid = spaces.guid) +
          (SELECT coalesce(sum(length(CAST(name AS BLOB))), 0) FROM uploads u
           WHERE u.guid = spaces.guid AND u.offset > 0) +
          (SELECT coalesce(sum(length(CAST(message AS BLOB))), 0) FROM deliveries d
           WHERE d.guid = spaces.guid AND d.committed IS NOT NULL);
)",
    // Deliveries that are gone while rows of them are left, which go some at a time; and their uploads by themselves.
    R"(
CREATE TABLE gone_deliveries(
  delivery BLOB PRIMARY KEY, guid BLOB NOT NULL, keeps_past INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_delivery ON uploads(guid, delivery);
DROP INDEX uploads_by_space;
)",
    // Whether whoever opens the items of a space understands packs. And what goes with a space is found by it.
    R"(
ALTER TABLE spaces ADD COLUMN packs INTEGER NOT NULL DEFAULT 0;
CREATE INDEX gone_deliveries_by_space ON gone_deliveries(guid);
)",
};

}  // namespace qrx::store
