#include "space/rules.h"

namespace qrx::space {

Rules::Rules(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, const Policy& policy)
    : context{catalog, blobs, clock, events, policy},
      quotas(context),
      registry(context, quotas),
      versions(context),
      trash(context),
      files(context, registry, quotas, trash),
      receipts(context),
      deliveries(context, registry, quotas, versions, trash, files),
      uploads(context, registry, quotas, versions, trash),
      completion(context, quotas, versions, uploads, files, trash),
      clearing(context, registry, quotas, versions, trash),
      erasing(context, registry, quotas, versions, files, trash),
      upload_requests(registry, {context, quotas, versions, uploads, completion}),
      whole_files({context, registry, quotas, versions, trash}, files, upload_requests),
      clock_guard(context) {}

}  // namespace qrx::space
