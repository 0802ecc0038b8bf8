#include "s3/blobs_module.h"

#include <utility>

#include "base/version.h"
#include "s3/object_blobs.h"

namespace qrx::s3 {
namespace {

Result<std::unique_ptr<space::Blobs>> open(ObjectBlobsOptions options, space::Catalog& catalog, Clock& clock) {
  auto opened = ObjectBlobs::open(std::move(options), catalog, clock);
  if (!opened) return tl::unexpected(opened.error());
  return std::move(*opened);
}

}  // namespace
}  // namespace qrx::s3

extern "C" {
extern __attribute__((visibility("default"))) const qrx::s3::BlobsModule qrx_blobs_module;
const qrx::s3::BlobsModule qrx_blobs_module{qrx::version, qrx::s3::open};
}
