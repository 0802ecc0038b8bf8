// Small files that come whole, in one request, into an open delivery.
// Private to src/space.
#pragma once

#include <memory>
#include <string_view>

#include "base/bytes.h"
#include "space/context.h"
#include "space/deliveries.h"
#include "space/delivery_files.h"
#include "space/pack_batch.h"
#include "space/registry.h"
#include "space/sending.h"
#include "space/upload_requests.h"
#include "wire/properties.h"

namespace qrx::space {

// Thread-safe.
class WholeFiles {
 public:
  WholeFiles(const PackParts& parts, DeliveryFiles& files, Deliveries& deliveries, UploadRequests& uploads)
      : parts_(parts), files_(files), deliveries_(deliveries), uploads_(uploads) {}

  // As Spaces::put_small().
  Result<FileRow> put(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                      const wire::FileProperties& properties, const Sender& sender);
  // As Spaces::begin_batch().
  Result<std::unique_ptr<FileBatch>> begin(const Guid& guid, const Id& delivery, const Sender& sender);

 private:
  bool packs_by_itself() const;  // each batch, for what is in memory alone is seen by no other node
  // Of one node: into the pack of the delivery.
  Result<FileRow> put_packed(LiveSpace& live, FileRow file, ByteView bytes);
  // Of many nodes over a directory, where a blob needs a row before it: as an upload.
  Result<FileRow> put_as_upload(LiveSpace& live, const FileRow& file, ByteView bytes, const Sender& sender);

  const PackParts parts_;
  DeliveryFiles& files_;
  Deliveries& deliveries_;
  UploadRequests& uploads_;
};

}  // namespace qrx::space
