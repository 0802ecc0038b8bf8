// The part of a transaction that removes: uploads and files one by one, deliveries and spaces in steps. Private to
// src/pg.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pg/pg_blob_transaction.h"

namespace qrx::pg {

class PgRemovalTransaction : public PgBlobTransaction {
 public:
  using PgBlobTransaction::PgBlobTransaction;

  std::vector<space::BlobKey> remove_upload(const Id& upload) override;
  std::vector<space::BlobKey> remove_file(const Id& file) override;
  space::Removed remove_delivery(const Id& delivery) override;
  space::Removed clear_delivery(const Id& delivery) override;
  space::Removed remove_rest(const space::GoneDelivery& delivery) override;
  bool take_back_pack(const space::DeliveryRow& delivery) override;
  space::Removed remove_space(const Guid& guid) override;
  space::Removed remove_rest(const Guid& guid) override;
  bool forget_receipts(WallTime before) override;

 protected:
  void changed(const Guid& guid) { changed_.insert(guid); }

  std::set<Guid> changed_, counted_;  // what it changed anything of; whose `changes` it has moved on

 private:
  // Runs a statement whose last parameter is how many rows it may take, and takes what it did off `left`. `of_row`: for
  // each that it returns.
  template <class OfRow>
  void take_some(Statement statement, std::size_t& left, OfRow&& of_row);
  void take_some(Statement statement, std::size_t& left);
  void give_back(const Guid& guid, const space::Use& less);
  std::optional<bool> keeps_past(const Id& delivery);  // nothing: it is not gone
  void note_gone(const space::GoneDelivery& gone, bool keeps_past);
  // What is left of a delivery whose row is gone, as far as rows_at_once go.
  void remove_rows(const space::GoneDelivery& gone, bool keeps_past, space::Removed& removed);
  void remove_files(const space::GoneDelivery& gone, bool keeps_past, std::size_t& left, space::Removed& removed);
  void forget_too_much_past(const space::GoneDelivery& last);
};

}  // namespace qrx::pg
