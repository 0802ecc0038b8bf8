// What the parts of a running receiver share: where from, how, who may end it, and whom they tell.
#pragma once

#include <atomic>

#include "api/retry.h"
#include "api/space_address.h"
#include "http/interrupt.h"
#include "receive/receive_tally.h"
#include "receive/receiver_options.h"
#include "receive/saved_record.h"
#include "receive/saver.h"
#include "receive/seen_seals.h"

namespace qrx::receive {

// All of it is the Receiver's, and outlives every part.
struct ReceiveJob {
  const api::SpaceAddress& link;
  const ReceiverOptions& options;
  http::Interrupt& interrupt;
  ReceiveTally& tally;
  std::atomic<bool>& gives_many;  // the server gives many small files by one request, as far as is known
  Saver* saver = nullptr;         // null: to a stream
  SavedRecord* record = nullptr;
  SeenSeals* seals = nullptr;
  std::uint64_t max_files = 0;  // so many a delivery may hold; 0: no limit
  // Files can be taken a number of times only: the last byte of each, which counts, is asked for when the rest is
  // saved.
  bool limited = false;

  api::Backoff backoff() const { return backoff(options.retry); }
  api::Backoff backoff(const api::RetryPolicy& policy) const {
    return api::Backoff(interrupt, policy, [this](const std::string& text, bool) { tally.retrying(text); });
  }
};

}  // namespace qrx::receive
