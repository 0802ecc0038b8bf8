// The part of a transaction that is about blobs: what they are made of, and those that are to go. Private to src/pg.
#pragma once

#include "pg/pg_share_transaction.h"

namespace qrx::pg {

class PgBlobTransaction : public PgShareTransaction {
 public:
  using PgShareTransaction::PgShareTransaction;

  void discard(const space::BlobKey& blob) override;
  void forget_trash(const space::BlobKey& blob) override;
  void forget_extents(const space::BlobKey& blob) override;
  void put_extents(const space::BlobKey& blob, const space::Extents& extents) override;
};

}  // namespace qrx::pg
