// What senders ask of their uploads, one request each: who may, what is checked first, and what follows from it.
// Private to src/space.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <vector>

#include "space/completing.h"
#include "space/context.h"
#include "space/deliveries.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/sending.h"
#include "space/uploads.h"
#include "space/versions.h"
#include "space/writer.h"

namespace qrx::space {

// The functions of Spaces with the same errors. Thread-safe.
class UploadRequests {
 public:
  UploadRequests(Registry& registry, Deliveries& deliveries, const WriterParts& parts)
      : registry_(registry), deliveries_(deliveries), parts_(parts) {}

  Result<UploadRow> create(const Guid& guid, const NewUpload& wish, const Sender& sender);
  Result<UploadRow> row(const Guid& guid, const Id& upload);
  Result<void> set_length(const Guid& guid, const Id& upload, std::uint64_t length);
  Result<std::unique_ptr<UploadWriter>> write(const Guid& guid, const Id& upload, std::uint64_t offset,
                                              std::optional<ChunkChecksum> expected, const Sender& sender);
  std::uint64_t unread(const Guid& guid, const Id& upload);
  Result<void> catch_up(const Guid& guid, const Id& upload, const std::stop_token& stop);
  Result<UploadRow> concatenate(const Guid& guid, const NewUpload& wish, const std::vector<Id>& parts,
                                const std::stop_token& stop);
  Result<void> withdraw(const Guid& guid, const Id& upload);                     // by its sender
  Result<void> end(const Guid& guid, std::string_view token, const Id& upload);  // by the owner of the space
  // An upload that has become a file, as a row that has all its bytes; else the error of Uploads::completed().
  Result<FileRow> completed(const Guid& guid, const Id& upload);

 private:
  // Nothing is left to send for an empty file.
  Result<UploadRow> complete_empty(const SharedGate& gate, LiveSpace& live, const UploadRow& row);
  // Row and counts; false when it has this length already.
  Result<bool> promise_length(LiveSpace& live, LiveUpload& upload, std::uint64_t length);

  Registry& registry_;
  Deliveries& deliveries_;
  const WriterParts parts_;
};

}  // namespace qrx::space
