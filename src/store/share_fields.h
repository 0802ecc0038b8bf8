// row_fields.h for what is about shares. Private to the catalogs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "space/share_model.h"
#include "store/row_fields.h"

// The column "most" is ShareRow::limit, "flight" is TransferLease::lease.
#define QRX_SHARE_COLUMNS \
  "share,guid,link_hash,recipient,message,most,created,expires,notice,noticed,progress,revoked,files_taken,history"
#define QRX_SHARE_FILE_COLUMNS "share,file,guid,taken,parts"
#define QRX_LEASE_COLUMNS "flight,share,file,node,first,bytes,until"
#define QRX_NOTICE_COLUMNS "share,guid,transport,token,key,created,due,attempts,claimed"

namespace qrx::store {

static_assert(static_cast<int>(wire::ShareState::sending) == 1, "indexes of the schemas name it by its number");

// One line an event: state, time, reason. Reasons have no line ends.
std::string to_lines(const std::vector<wire::ShareEvent>& history);
std::vector<wire::ShareEvent> from_lines(std::string_view text);

template <class Row>
space::ShareRow take_share(Row& row) {
  space::ShareRow out;
  out.share = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.link_hash = to_array<Sha256Sum>(row.next_blob());
  out.to = row.next_text();
  out.message = row.next_text();
  out.limit = row.next_number();
  out.created = to_time(row.next_signed_number());
  out.expires = next_optional_time(row);
  out.notice = static_cast<wire::ShareState>(row.next_number());
  out.noticed = to_time(row.next_signed_number());
  out.progress = static_cast<space::Progress>(row.next_number());
  out.revoked = row.next_number() != 0;
  out.files_taken = row.next_number();
  out.history = from_lines(row.next_text());
  return out;
}

// `history`: of the row, by to_lines(); it stays until the statement has run.
template <class Statement>
void bind_share(Statement& statement, const space::ShareRow& row, const std::string& history) {
  statement.blob(as_bytes(row.share.bytes)).blob(as_bytes(row.guid.bytes)).blob(as_bytes(row.link_hash));
  statement.text(row.to).text(row.message).number(row.limit).signed_number(to_number(row.created));
  bind_time(statement, row.expires);
  statement.number(static_cast<std::uint64_t>(row.notice)).signed_number(to_number(row.noticed));
  statement.number(static_cast<std::uint64_t>(row.progress)).number(row.revoked ? 1 : 0).number(row.files_taken);
  statement.text(history);
}

template <class Row>
space::ShareFileRow take_share_file(Row& row) {
  space::ShareFileRow out;
  out.share = to_id(row.next_blob());
  out.file = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.taken = row.next_number();
  out.parts = row.next_text();
  return out;
}

template <class Statement>
void bind_share_file(Statement& statement, const space::ShareFileRow& row) {
  statement.blob(as_bytes(row.share.bytes)).blob(as_bytes(row.file.bytes)).blob(as_bytes(row.guid.bytes));
  statement.number(row.taken).text(row.parts);
}

template <class Row>
space::TransferLease take_lease(Row& row) {
  space::TransferLease out;
  out.lease = to_id(row.next_blob());
  out.share = to_id(row.next_blob());
  out.file = to_id(row.next_blob());
  out.node = to_id(row.next_blob());
  out.first = row.next_number();
  out.bytes = row.next_number();
  out.until = to_time(row.next_signed_number());
  return out;
}

template <class Statement>
void bind_lease(Statement& statement, const space::TransferLease& row) {
  statement.blob(as_bytes(row.lease.bytes)).blob(as_bytes(row.share.bytes)).blob(as_bytes(row.file.bytes));
  statement.blob(as_bytes(row.node.bytes)).number(row.first).number(row.bytes).signed_number(to_number(row.until));
}

// All but the last column, which each catalog has in a form of its own.
template <class Row>
space::NoticeRow take_notice(Row& row) {
  space::NoticeRow out;
  out.share = to_id(row.next_blob());
  out.guid = to_id(row.next_blob());
  out.transport = row.next_text();
  out.token = row.next_text();
  out.key = row.next_text();
  out.created = to_time(row.next_signed_number());
  out.due = to_time(row.next_signed_number());
  out.attempts = row.next_number();
  return out;
}

template <class Statement>
void bind_notice(Statement& statement, const space::NoticeRow& row) {
  statement.blob(as_bytes(row.share.bytes)).blob(as_bytes(row.guid.bytes)).text(row.transport);
  statement.text(row.token).text(row.key).signed_number(to_number(row.created)).signed_number(to_number(row.due));
  statement.number(row.attempts);
}

}  // namespace qrx::store
