// The part of a transaction that is about receipts. Private to src/store.
#pragma once

#include <optional>

#include "space/catalog.h"
#include "store/share_transaction.h"

namespace qrx::store {

class ReceiptTransaction : public ShareTransaction {
 public:
  using ShareTransaction::ShareTransaction;

  std::optional<space::ReceiptRow> receipt(const Id& delivery) override;
  void put_receipt(const space::ReceiptRow& row) override;
  std::optional<space::ReceiptState> file_receipt(const Id& delivery, const Id& file) override;
  void put_file_receipt(const space::FileReceiptRow& row) override;
  space::FileReceiptCounts count_file_receipts(const Id& delivery) override;
};

}  // namespace qrx::store
