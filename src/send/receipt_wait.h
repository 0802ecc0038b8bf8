// Waits until the receiver has said what became of a delivery.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "http/client.h"
#include "send/sent.h"
#include "wire/link.h"
#include "wire/receipt.h"

namespace qrx::send {

// What is known in the end.
struct ReceiptResult {
  wire::ReceiptCounts counts;         // nothing is missing
  std::vector<std::string> declined;  // names as they were sent, most_unsaved_files at most
  std::vector<std::string> kept;
};

// `most`: how long; none: as long as its space lives. Costs the server no thread. Errors: Kind::timed_out when it was
// not said in time, Kind::gone when the space ended without a word, Kind::unsupported when the server does not know it,
// Kind::unavailable when the server stays away for a minute, or interrupted.
Result<ReceiptResult> await_receipt(const wire::DropLink& link, const http::ClientOptions& client,
                                    const SentDelivery& delivery, std::optional<Seconds> most);

}  // namespace qrx::send
