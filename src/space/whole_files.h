// Small files that come whole, in one request, into an open delivery.
// Private to src/space.
#pragma once

#include <string_view>

#include "base/bytes.h"
#include "space/context.h"
#include "space/delivery_files.h"
#include "space/registry.h"
#include "space/sending.h"
#include "space/upload_requests.h"
#include "wire/properties.h"

namespace qrx::space {

// Thread-safe.
class WholeFiles {
 public:
  WholeFiles(Context& context, Registry& registry, DeliveryFiles& files, UploadRequests& uploads)
      : context_(context), registry_(registry), files_(files), uploads_(uploads) {}

  // As Spaces::put_small().
  Result<FileRow> put(const Guid& guid, const Id& delivery, std::string_view name, ByteView bytes,
                      const wire::FileProperties& properties);

 private:
  // Of one node: into the pack of the delivery.
  Result<FileRow> put_packed(LiveSpace& live, FileRow file, ByteView bytes);
  // Of many nodes, where a pack would be of one: as an upload.
  Result<FileRow> put_as_upload(LiveSpace& live, const FileRow& file, ByteView bytes);

  Context& context_;
  Registry& registry_;
  DeliveryFiles& files_;
  UploadRequests& uploads_;
};

}  // namespace qrx::space
