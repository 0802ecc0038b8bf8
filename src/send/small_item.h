// A small item whole in memory, as it goes over the wire.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "base/result.h"
#include "send/send_job.h"
#include "send/sent.h"

namespace qrx::send {

struct SmallItem {
  std::vector<SentFile> files;  // that it holds, as Items has them
  std::string bytes;            // sealed, if the delivery is
  Xxh128Sum sum;                // of these
};

// REQUIRES: no stream; one thread at a time for each item. Kind::integrity when one of its sources is not, or does not
// stay, as it was found.
Result<SmallItem> load_small_item(SendJob& job, std::size_t item);

}  // namespace qrx::send
