// Rows of the rules to SQLite and back: the statements that read and write it. Private to src/store.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "space/model.h"
#include "store/sqlite.h"

namespace qrx::store {

// Each gives SQLITE_OK or what failed.
int write_space(Connection& connection, const space::SpaceRow& row);
int write_delivery(Connection& connection, const space::DeliveryRow& row);
int write_file(Connection& connection, const space::FileRow& row);
int write_upload(Connection& connection, const space::UploadRow& row);
// Changes a space, unless something is in the way; `out` says which, or how it stands now.
int write_change(Connection& connection, const Guid& guid, const space::SpaceChange& change, space::SpaceChanged& out);

Result<std::optional<space::SpaceState>> read_space(Connection& connection, const Guid& guid);
// Of the space, as space::Catalog::committed has it.
Result<space::CommittedPage> read_committed(Connection& connection, const Guid& guid, const space::PageStart& from,
                                            const space::PageSize& most);
Result<std::optional<space::FileRow>> read_file(Connection& connection, const Id& file);
// Those of them that are there, in the order of `ids`. REQUIRES: a transaction.
Result<std::vector<space::FileRow>> read_files(Connection& connection, std::span<const Id> ids);
Result<std::vector<space::FileRow>> read_files_after(Connection& connection, const Id& last, std::size_t most);
Result<std::vector<space::UploadRow>> read_uploads(Connection& connection);
Result<std::optional<space::UploadRow>> read_upload(Connection& connection, const Id& upload);
Result<std::optional<space::OpenDelivery>> read_open_delivery(Connection& connection, const Id& delivery);
Result<std::vector<space::DeliveryRow>> read_open_deliveries(Connection& connection);

}  // namespace qrx::store
