// Fetches files of a delivery and saves them: one connection, many small files at once, large ones resumed.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/owner_client.h"
#include "api/retry.h"
#include "base/result.h"
#include "receive/arrived.h"
#include "receive/delivery_progress.h"
#include "receive/incoming.h"
#include "receive/pack_saver.h"
#include "receive/partial_file.h"
#include "receive/publisher.h"
#include "seal/opener.h"

namespace qrx::receive {

// One thread; several of these work on one delivery.
class FileSaver {
 public:
  explicit FileSaver(DeliveryProgress& delivery);

  void run();  // until nothing is left to do, or the delivery has failed

 private:
  const Item& item(std::size_t index) const { return delivery_.item(index); }
  const wire::FileInfo& file(std::size_t index) const { return item(index).info; }  // sealed, if it is
  std::optional<KeptBytes> kept(std::size_t index, bool open) const {
    if (!open || !job_.limited || file(index).size > most_kept_bytes) return std::nullopt;
    return KeptBytes::open(job_, file(index).file);
  }

  Result<void> save_small(const std::vector<std::size_t>& task);
  Result<void> keep_small(std::size_t index, std::string_view bytes);
  Result<void> save_large(std::size_t index);
  Result<bool> save_large(std::size_t index, bool open);
  Result<Arrived> pull(std::size_t index, Incoming& incoming, const std::function<Result<void>()>& each);
  Result<std::optional<Arrived>> fetch(std::size_t index, PartialFile& partial, bool open, api::Backoff& backoff);
  Result<void> stays_sealed(std::size_t index, seal::Refusal refusal);
  Result<void> prepare_empty(std::size_t index);
  Result<bool> begin_small(std::size_t index);
  Result<void> count(std::size_t index, PartialFile& partial, const Arrived& arrived, bool perhaps_given);

  DeliveryProgress& delivery_;
  const ReceiveJob& job_;
  api::OwnerClient client_;
  std::vector<std::byte> buffer_;
  Publisher publisher_;
  PackSaver packs_;
  std::string why_unopened_;  // the file at hand stays as it came; or empty
};

}  // namespace qrx::receive
