// Blobs in an S3 store as a module of their own, loaded when somebody asks for them: so that a server without them
// needs none of its libraries (src/serve/operations/objects.h loads it).
#pragma once

#include <memory>

#include "base/result.h"
#include "s3/object_options.h"
#include "space/blobs.h"
#include "space/catalog.h"

namespace qrx::s3 {

// What the module has under the name below.
struct BlobsModule {
  const char* version;  // of qrx: the two must be of one build
  Result<std::unique_ptr<space::Blobs>> (*open)(ObjectBlobsOptions options, space::Catalog& catalog, Clock& clock);
};
inline constexpr const char* blobs_module_name = "qrx_blobs_module";

}  // namespace qrx::s3
