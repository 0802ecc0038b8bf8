// The statements that read rows of the rules from PostgreSQL. Private to src/pg.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "pg/pg_connection.h"
#include "space/model.h"
#include "space/receipt_model.h"
#include "space/share_model.h"
#include "store/share_fields.h"

// Whether a node was heard of in the last 15 seconds. One that was not stops what it does for others by then
// (node_bus.cpp).
#define QRX_ALIVE(node) \
  "EXISTS (SELECT 1 FROM nodes n WHERE n.node=" node " AND n.seen>clock_timestamp()-interval '15 seconds')"

namespace qrx::pg {

inline constexpr const char* reading = "cannot read the catalog";

template <class Row>
Result<std::vector<Row>> take_all(Connection& connection, Statement statement, Row (*take)(Statement&)) {
  std::vector<Row> rows;
  while (statement.step()) rows.push_back(take(statement));
  if (statement.failed()) return connection.failure().error(reading);
  return rows;
}

template <class Row>
Result<std::optional<Row>> take_one(Connection& connection, Statement statement, Row (*take)(Statement&)) {
  if (statement.step()) return take(statement);
  if (statement.failed()) return connection.failure().error(reading);
  return std::optional<Row>();
}

// `sql` has one parameter at first, the id.
inline Statement by_id(Connection& connection, const char* sql, const Id& id) {
  Statement statement = connection.prepare(sql);
  statement.blob(as_bytes(id.bytes));
  return statement;
}

// What several statements read must stand still meanwhile: by the lock of the space, or by a snapshot.
enum class Still : std::uint8_t { is_locked, snapshot };
struct CountedState {
  space::SpaceState state;
  std::int64_t changes = 0;
};
Result<std::optional<CountedState>> read_space(Connection& connection, const Guid& guid, Still still);
// In a transaction that sees to it itself.
Result<space::CommittedPage> read_committed(Connection& connection, const Guid& guid, const space::PageStart& from,
                                            const space::PageSize& most);
Result<std::optional<space::OpenDelivery>> read_open_delivery(Connection& connection, const Id& delivery);

// Those of them that there are, in this order.
Result<std::vector<space::FileRow>> read_files(Connection& connection, std::span<const Id> ids);
Result<std::optional<space::UploadRow>> read_upload(Connection& connection, const Id& upload);
Result<std::optional<space::ReceiptRow>> read_receipt(Connection& connection, const Id& delivery);
Result<std::optional<space::FileReceiptRow>> read_file_receipt(Connection& connection, const Id& delivery,
                                                               const Id& file);
Result<std::optional<space::ShareRow>> read_share(Connection& connection, const Id& share);
Result<space::SharePage> read_shares(Connection& connection, const Guid& guid, std::uint64_t next,
                                     const space::SharePageSize& most);
Result<std::optional<space::ShareFileRow>> read_share_file(Connection& connection, const Id& share, const Id& file);
space::NoticeRow take_notice(Statement& row);

Result<std::vector<Id>> take_ids(Connection& connection, Statement statement);
// Of a statement whose one row is one number.
Result<std::uint64_t> take_number(Connection& connection, Statement statement);

}  // namespace qrx::pg
