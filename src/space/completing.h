// How an upload becomes a file: summed up, published, its row written; and what is done when its bytes are lost.
// Private to src/space.
#pragma once

#include <optional>
#include <stop_token>
#include <vector>

#include "space/context.h"
#include "space/delivery_files.h"
#include "space/quotas.h"
#include "space/trash.h"
#include "space/uploads.h"
#include "space/versions.h"

namespace qrx::space {

// All for whoever has the UploadLock. Thread-safe.
class Completion {
 public:
  Completion(Context& context, Quotas& quotas, Versions& versions, Uploads& uploads, DeliveryFiles& files, Trash& trash)
      : context_(context), quotas_(quotas), versions_(versions), uploads_(uploads), files_(files), trash_(trash) {}

  // All bytes are there and durable: makes the file, commits an implicit delivery. The parts that it was made of go
  // with it.
  Result<FileRow> complete(const SharedGate& gate, LiveSpace& live, const UploadLock& held,
                           const std::vector<UploadPtr>& parts = {}, const std::stop_token& stop = {});
  // Reads what the running sum lacks.
  Result<void> sum_up_to(LiveUpload& upload, std::uint64_t end, const std::stop_token& stop = {});
  void mark_corrupt(LiveSpace& live, LiveUpload& upload);  // its bytes can no longer be trusted

 private:
  Result<FileRow> describe(const SharedGate& gate, LiveSpace& live, const UploadLock& held);
  Result<void> publish(LiveSpace& live, LiveUpload& upload);
  // Row and memory: the upload is a file, in one transaction with what that changes.
  struct Recorded {
    std::optional<SpaceHead> head;
    std::vector<BlobKey> trash;
  };
  Result<Recorded> record(LiveSpace& live, LiveUpload& upload, const FileRow& file, DeliveryRow delivery,
                          const std::vector<UploadPtr>& parts);
  void move_in_memory(LiveSpace& live, LiveUpload& upload, const FileRow& file, const std::vector<UploadPtr>& parts);

  Context& context_;
  Quotas& quotas_;
  Versions& versions_;
  Uploads& uploads_;
  DeliveryFiles& files_;
  Trash& trash_;
};

}  // namespace qrx::space
