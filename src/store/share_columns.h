// The rows of shares to SQLite and back. Private to src/store.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "space/share_model.h"
#include "store/sqlite.h"

namespace qrx::store {

// Each makes the row, or changes the one of the same key, and gives SQLITE_OK or what failed.
int write_share(Connection& connection, const space::ShareRow& row);
int write_share_file(Connection& connection, const space::ShareFileRow& row);
int write_notice(Connection& connection, const space::NoticeRow& row);
int write_lease(Connection& connection, const space::TransferLease& row);

// As the functions of space::Catalog and space::Transaction that read the same. Nothing: there is no such row.
Result<std::optional<space::ShareRow>> read_share(Connection& connection, const Id& share);
Result<std::optional<space::ShareRow>> read_share_of_link(Connection& connection, const Sha256Sum& link_hash);
Result<space::SharePage> read_shares(Connection& connection, const Guid& guid, std::uint64_t next,
                                     const space::SharePageSize& most);
Result<std::vector<space::ShareRow>> read_shares_to(Connection& connection, const Guid& guid, const std::string& to);
Result<std::optional<space::ShareFileRow>> read_share_file(Connection& connection, const Id& share, const Id& file);
Result<std::vector<space::TransferLease>> read_leases(Connection& connection, const Id& share, const Id& file,
                                                      WallTime now);
Result<std::vector<space::ShareFileRow>> read_share_files(Connection& connection, const Id& share);
Result<std::optional<space::NoticeRow>> read_notice(Connection& connection, const Id& share);
Result<std::optional<space::NoticeRow>> read_next_notice(Connection& connection, const std::string& busy);
Result<std::vector<space::NoticeRow>> read_claimed_notices(Connection& connection);

}  // namespace qrx::store
