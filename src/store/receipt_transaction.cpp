#include "store/receipt_transaction.h"

#include "store/receipt_columns.h"

namespace qrx::store {

std::optional<space::ReceiptRow> ReceiptTransaction::receipt(const Id& delivery) {
  return known(read_receipt(connection_, delivery));
}

void ReceiptTransaction::put_receipt(const space::ReceiptRow& row) {
  if (ok()) note(write_receipt(connection_, row));
}

std::optional<space::ReceiptState> ReceiptTransaction::file_receipt(const Id& delivery, const Id& file) {
  const auto row = known(read_file_receipt(connection_, delivery, file));
  return row ? std::optional(row->state) : std::nullopt;
}

void ReceiptTransaction::put_file_receipt(const space::FileReceiptRow& row) {
  if (ok()) note(write_file_receipt(connection_, row));
}

space::FileReceiptCounts ReceiptTransaction::count_file_receipts(const Id& delivery) {
  return known(store::count_file_receipts(connection_, delivery));
}

}  // namespace qrx::store
