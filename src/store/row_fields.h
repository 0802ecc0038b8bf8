// How the rows of the rules stand in the columns of a catalog, whichever database has it: the names of the columns,
// rows from them, and rows as the parameters of a statement, in the order of those names. Private to the catalogs.
#pragma once

#include <cstring>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "space/blobs.h"
#include "space/model.h"
#include "space/receipt_model.h"

// "offset" is a word of SQL, hence its quotes. The column "lone" is UploadRow::implicit.
#define QRX_FILE_COLUMNS "file,delivery,guid,name,size,type,xxh128,sha256,sealed,blob,blob_offset,modified,executable"
#define QRX_UPLOAD_COLUMNS                                                                        \
  "upload,delivery,guid,name,metadata,length,\"offset\",epoch,blob,lone,partial,damaged,created," \
  "expires,holder,spare"
#define QRX_DELIVERY_COLUMNS "delivery,guid,message,created,committed"
#define QRX_SPACE_COLUMNS "guid,owner_hash,label,key,seal,max_size,max_files,created,expires,phase,seq,packs"
#define QRX_USE_COLUMNS "bytes,files,manifests,parts,texts"
#define QRX_RECEIPT_COLUMNS "delivery,guid,version,rest,saved,declined,kept,missing,at"
#define QRX_PAST_FILE_COLUMNS "file,delivery,guid,name,size,xxh128"
#define QRX_FILE_RECEIPT_COLUMNS "delivery,file,guid,state"

// Of deliveries that are gone, as rows of gone_deliveries, with one parameter: since before.
#define QRX_OLD_RECEIPTS                                                                                      \
  "SELECT r.delivery,r.guid,0 FROM receipts r WHERE r.at<? AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE " \
  "d.delivery=r.delivery)"
// The deliveries whose past files are too many for ?1, a space; ?2, its last one, stays.
#define QRX_TOO_MANY_PAST                                                    \
  "SELECT DISTINCT delivery FROM past_files WHERE guid=?1 AND delivery<>?2 " \
  "AND number<=(SELECT number FROM past_files WHERE guid=?1 ORDER BY number DESC LIMIT 1 OFFSET ?3)"

namespace qrx::store {

// All zero when it has another size.
template <class Array>
Array to_array(ByteView bytes) {
  Array out{};
  if (bytes.size() == out.size()) std::memcpy(out.data(), bytes.data(), out.size());
  return out;
}

inline Id to_id(ByteView bytes) {
  return {to_array<decltype(Id::bytes)>(bytes)};
}

// Milliseconds since 1970.
inline std::int64_t to_number(WallTime time) {
  return time.time_since_epoch().count();
}
inline WallTime to_time(std::int64_t number) {
  return WallTime(Millis(number));
}

// NULL is nothing.
template <class Statement>
void bind_time(Statement& statement, const std::optional<WallTime>& time) {
  time ? statement.signed_number(to_number(*time)) : statement.null();
}

template <class Row>
std::optional<WallTime> next_optional_time(Row& row) {
  if (!row.next_is_null()) return to_time(row.next_signed_number());
  row.skip();
  return std::nullopt;
}

// NULL is Id().
template <class Statement>
void bind_optional_id(Statement& statement, const Id& id) {
  id == Id() ? statement.null() : statement.blob(as_bytes(id.bytes));
}

template <class Row>
Id next_optional_id(Row& row) {
  if (!row.next_is_null()) return to_id(row.next_blob());
  row.skip();
  return {};
}

template <class Row>
space::Use take_use(Row& row) {
  space::Use out;
  out.bytes = row.next_number();
  out.weight.files = row.next_number();
  out.weight.manifests = row.next_number();
  out.weight.parts = row.next_number();
  out.weight.texts = row.next_number();
  return out;
}

// Of a space that took nothing: what of `more` does not fit beside what there is. max_size,max_files and
// QRX_USE_COLUMNS.
template <class Row>
space::Taken take_obstacle(Row& row, const space::Use& more) {
  space::Limits limits;
  limits.max_size = row.next_number();
  limits.max_files = row.next_number();
  const space::Use use = take_use(row);
  const auto over = [](std::uint64_t used, std::uint64_t wanted, std::uint64_t most) {
    return most > 0 && wanted > 0 && used + wanted > most;
  };
  if (over(use.bytes, more.bytes, limits.max_size)) return space::Taken::bytes;
  // One parts_beyond_files for all.
  if (limits.max_files > 0 && over(use.weight.parts, more.weight.parts, limits.max_files + space::parts_beyond_files))
    return space::Taken::parts;
  if (over(use.weight.texts, more.weight.texts, space::most_texts(limits))) return space::Taken::texts;
  return space::Taken::files;
}

// QRX_SPACE_COLUMNS and QRX_USE_COLUMNS. Enumerations are stored by their numbers: a new value goes behind those that
// there are.
template <class Row>
space::SpaceRow take_space(Row& row) {
  space::SpaceRow out;
  out.guid = to_id(row.next_blob());
  out.owner_hash = to_array<Sha256Sum>(row.next_blob());
  out.label = row.next_text();
  out.key = row.next_text();
  out.seal = static_cast<space::Seal>(row.next_number());
  out.limits.max_size = row.next_number();
  out.limits.max_files = row.next_number();
  out.created = to_time(row.next_signed_number());
  out.expires = to_time(row.next_signed_number());
  out.phase = static_cast<space::Phase>(row.next_number());
  out.seq = row.next_number();
  out.packs = row.next_number() != 0;
  out.use = take_use(row);
  return out;
}

template <class Statement>
void bind_space(Statement& statement, const space::SpaceRow& row) {
  statement.blob(as_bytes(row.guid.bytes)).blob(as_bytes(row.owner_hash)).text(row.label).text(row.key);
  statement.number(static_cast<std::uint64_t>(row.seal)).number(row.limits.max_size).number(row.limits.max_files);
  statement.signed_number(to_number(row.created)).signed_number(to_number(row.expires));
  statement.number(static_cast<std::uint64_t>(row.phase)).number(row.seq).number(row.packs ? 1 : 0);
}

// seq,expires,phase and QRX_USE_COLUMNS.
template <class Row>
space::SpaceHead take_head(Row& row) {
  space::SpaceHead out;
  out.seq = row.next_number();
  out.expires = to_time(row.next_signed_number());
  out.phase = static_cast<space::Phase>(row.next_number());
  out.use = take_use(row);
  return out;
}

template <class Row>
space::DeliveryRow take_delivery(Row& row) {
  space::DeliveryRow out;
  out.delivery = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.message = row.next_text();
  out.created = to_time(row.next_signed_number());
  out.committed = next_optional_time(row);
  return out;
}

template <class Statement>
void bind_delivery(Statement& statement, const space::DeliveryRow& row) {
  statement.blob(as_bytes(row.delivery.bytes)).blob(as_bytes(row.guid.bytes)).text(row.message);
  statement.signed_number(to_number(row.created));
  bind_time(statement, row.committed);
}

template <class Row>
space::FileRow take_file(Row& row) {
  space::FileRow out;
  out.file = to_id(row.next_blob());
  out.delivery = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.name = row.next_text();
  out.size = row.next_number();
  out.type = row.next_text();
  out.xxh128 = to_array<Xxh128Sum>(row.next_blob());
  if (row.next_is_null())
    row.skip();
  else
    out.sha256 = to_array<Sha256Sum>(row.next_blob());
  out.sealed = row.next_number() != 0;
  out.blob = to_id(row.next_blob());
  out.blob_offset = row.next_number();
  out.properties.modified = next_optional_time(row);
  out.properties.executable = row.next_number() != 0;
  return out;
}

template <class Statement>
void bind_file(Statement& statement, const space::FileRow& row) {
  statement.blob(as_bytes(row.file.bytes)).blob(as_bytes(row.delivery.bytes)).blob(as_bytes(row.guid.bytes));
  statement.text(row.name).number(row.size).text(row.type).blob(as_bytes(row.xxh128));
  if (row.sha256)
    statement.blob(as_bytes(*row.sha256));
  else
    statement.null();
  statement.number(row.sealed ? 1 : 0).blob(as_bytes(row.blob.bytes)).number(row.blob_offset);
  bind_time(statement, row.properties.modified);
  statement.number(row.properties.executable ? 1 : 0);
}

template <class Row>
space::FileRow take_past_file(Row& row) {
  space::FileRow out;
  out.file = to_id(row.next_blob());
  out.delivery = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.name = row.next_text();
  out.size = row.next_number();
  out.xxh128 = to_array<Xxh128Sum>(row.next_blob());
  return out;
}

// delivery,guid
template <class Row>
space::GoneDelivery take_gone(Row& row) {
  space::GoneDelivery out;
  out.delivery = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  return out;
}

template <class Row>
space::UploadRow take_upload(Row& row) {
  space::UploadRow out;
  out.upload = to_id(row.next_blob());
  out.delivery = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.name = row.next_text();
  out.metadata = row.next_text();
  if (row.next_is_null())
    row.skip();
  else
    out.length = row.next_number();
  out.offset = row.next_number();
  out.epoch = row.next_number();
  out.blob = to_id(row.next_blob());
  out.implicit = row.next_number() != 0;
  out.partial = row.next_number() != 0;
  out.damaged = row.next_number() != 0;
  out.created = to_time(row.next_signed_number());
  out.expires = to_time(row.next_signed_number());
  out.holder = next_optional_id(row);
  out.spare = next_optional_id(row);
  return out;
}

template <class Statement>
void bind_upload(Statement& statement, const space::UploadRow& row) {
  statement.blob(as_bytes(row.upload.bytes)).blob(as_bytes(row.delivery.bytes)).blob(as_bytes(row.guid.bytes));
  statement.text(row.name).text(row.metadata);
  if (row.length)
    statement.number(*row.length);
  else
    statement.null();
  statement.number(row.offset).number(row.epoch).blob(as_bytes(row.blob.bytes));
  statement.number(row.implicit ? 1 : 0).number(row.partial ? 1 : 0).number(row.damaged ? 1 : 0);
  statement.signed_number(to_number(row.created)).signed_number(to_number(row.expires));
  bind_optional_id(statement, row.holder);
  bind_optional_id(statement, row.spare);
}

template <class Row>
space::ReceiptRow take_receipt(Row& row) {
  space::ReceiptRow out;
  out.delivery = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.version = row.next_number();
  out.rest = static_cast<space::ReceiptState>(row.next_number());
  out.counts.saved = row.next_number();
  out.counts.declined = row.next_number();
  out.counts.kept = row.next_number();
  out.counts.missing = row.next_number();
  out.at = to_time(row.next_signed_number());
  return out;
}

template <class Statement>
void bind_receipt(Statement& statement, const space::ReceiptRow& row) {
  statement.blob(as_bytes(row.delivery.bytes)).blob(as_bytes(row.guid.bytes)).number(row.version);
  statement.number(static_cast<std::uint64_t>(row.rest)).number(row.counts.saved).number(row.counts.declined);
  statement.number(row.counts.kept).number(row.counts.missing).signed_number(to_number(row.at));
}

template <class Row>
space::FileReceiptRow take_file_receipt(Row& row) {
  space::FileReceiptRow out;
  out.delivery = to_id(row.next_blob());
  out.file = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.state = static_cast<space::ReceiptState>(row.next_number());
  return out;
}

template <class Statement>
void bind_file_receipt(Statement& statement, const space::FileReceiptRow& row) {
  statement.blob(as_bytes(row.delivery.bytes)).blob(as_bytes(row.file.bytes)).blob(as_bytes(row.guid.bytes));
  statement.number(static_cast<std::uint64_t>(row.state));
}

template <class Row>
space::Extent take_extent(Row& row) {
  space::Extent extent;
  extent.first = row.next_number();
  extent.size = row.next_number();
  extent.object = row.next_text();
  extent.at = row.next_number();
  return extent;
}

}  // namespace qrx::store
