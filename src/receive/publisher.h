// Gives files that are whole here their final names; small ones many at a time, after one sync for all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "receive/arrived.h"
#include "receive/delivery_progress.h"
#include "receive/partial_file.h"

namespace qrx::receive {

// One thread; several of these work on one delivery. `why_unopened` is what SavedFile::unopened says.
class Publisher {
 public:
  explicit Publisher(DeliveryProgress& delivery) : delivery_(delivery), job_(delivery.job()) {}

  // All bytes of a small file, opened if it was sealed. They are written now; the file gets its name by flush() at the
  // latest, which is called here whenever enough of them wait.
  Result<void> keep(std::size_t index, std::string_view bytes, Arrived arrived, std::string why_unopened = {});
  // What is at fault itself is told to the delivery, and does not stop the others; all else ends the delivery.
  void flush();
  // One file, whole in its partial. It gets its final name, unless somebody asked does not want it after all.
  Result<void> publish(std::size_t index, PartialFile& partial, const Arrived& arrived, std::string why_unopened = {});

 private:
  // A small file with all its bytes; it waits for others, to be made durable together with them.
  struct Waiting {
    std::size_t index;
    PartialFile partial;
    Arrived arrived;
    std::string why_unopened;
  };

  DeliveryProgress& delivery_;
  const ReceiveJob& job_;
  std::vector<Waiting> waiting_;
  std::uint64_t waiting_bytes_ = 0;
};

}  // namespace qrx::receive
