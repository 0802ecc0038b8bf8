// The part of a transaction that is about blobs: what they are made of, and those that are to go. Private to src/store.
#pragma once

#include "space/catalog.h"
#include "store/receipt_transaction.h"

namespace qrx::store {

class BlobTransaction : public ReceiptTransaction {
 public:
  using ReceiptTransaction::ReceiptTransaction;

  void discard(const space::BlobKey& blob) override;
  void forget_trash(const space::BlobKey& blob) override;
  void forget_extents(const space::BlobKey& blob) override;
  void put_extents(const space::BlobKey& blob, const space::Extents& extents) override;
};

}  // namespace qrx::store
