#include "store/receipt_columns.h"

#include "store/columns.h"

namespace qrx::store {
using space::FileReceiptCounts;
using space::FileReceiptRow;
using space::ReceiptRow;
using space::ReceiptState;

int write_receipt(Connection& connection, const ReceiptRow& row) {
  Statement statement = connection.prepare(
      "INSERT INTO receipts(" QRX_RECEIPT_COLUMNS
      ") VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT(delivery) DO UPDATE SET version=excluded.version,rest=excluded.rest,"
      "saved=excluded.saved,declined=excluded.declined,kept=excluded.kept,missing=excluded.missing,at=excluded.at");
  bind_receipt(statement, row);
  return run(statement);
}

int write_file_receipt(Connection& connection, const FileReceiptRow& row) {
  Statement statement =
      connection.prepare("INSERT INTO file_receipts(" QRX_FILE_RECEIPT_COLUMNS
                         ") VALUES(?,?,?,?) ON CONFLICT(delivery,file) DO UPDATE SET state=excluded.state");
  bind_file_receipt(statement, row);
  return run(statement);
}

Result<std::optional<ReceiptRow>> read_receipt(Connection& connection, const Id& delivery) {
  return take_one(by_id(connection, "SELECT " QRX_RECEIPT_COLUMNS " FROM receipts WHERE delivery=?", delivery),
                  take_receipt<Statement>);
}

Result<std::vector<FileReceiptRow>> read_file_receipts(Connection& connection, const Id& delivery) {
  return take_all(
      by_id(connection, "SELECT " QRX_FILE_RECEIPT_COLUMNS " FROM file_receipts WHERE delivery=?", delivery),
      take_file_receipt<Statement>);
}

Result<std::optional<FileReceiptRow>> read_file_receipt(Connection& connection, const Id& delivery, const Id& file) {
  Statement statement =
      connection.prepare("SELECT " QRX_FILE_RECEIPT_COLUMNS " FROM file_receipts WHERE delivery=? AND file=?");
  statement.blob(as_bytes(delivery.bytes)).blob(as_bytes(file.bytes));
  return take_one(std::move(statement), take_file_receipt<Statement>);
}

Result<FileReceiptCounts> count_file_receipts(Connection& connection, const Id& delivery) {
  Statement statement =
      by_id(connection, "SELECT state,count(*) FROM file_receipts WHERE delivery=? GROUP BY state", delivery);
  FileReceiptCounts counts{};
  while (statement.step()) {
    const std::uint64_t state = statement.next_number();
    const std::uint64_t files = statement.next_number();
    // A state that a newer qrx wrote is left out, as if nothing had been said of these files.
    if (state < counts.size()) counts[state] = files;
  }
  if (statement.failed()) return fail_sqlite(statement.code(), reading);
  return counts;
}

}  // namespace qrx::store
