// The rows of receipts to SQLite and back. Private to src/store.
#pragma once

#include <optional>
#include <vector>

#include "space/receipt_model.h"
#include "store/sqlite.h"

namespace qrx::store {

// Each gives SQLITE_OK or what failed.
int write_receipt(Connection& connection, const space::ReceiptRow& row);
int write_file_receipt(Connection& connection, const space::FileReceiptRow& row);

Result<std::optional<space::ReceiptRow>> read_receipt(Connection& connection, const Id& delivery);
Result<std::vector<space::FileReceiptRow>> read_file_receipts(Connection& connection, const Id& delivery);
Result<std::optional<space::FileReceiptRow>> read_file_receipt(Connection& connection, const Id& delivery,
                                                               const Id& file);
Result<space::FileReceiptCounts> count_file_receipts(Connection& connection, const Id& delivery);

}  // namespace qrx::store
