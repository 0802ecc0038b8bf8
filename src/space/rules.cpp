#include "space/rules.h"

namespace qrx::space {

Rules::Rules(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, const Policy& policy)
    : context{catalog, blobs, clock, events, policy},
      quotas(context),
      registry(context, quotas),
      versions(context),
      trash(context),
      removal(context, registry, quotas, versions, trash),
      files(context, registry, quotas, trash),
      receipts(context),
      deliveries(context, registry, quotas, versions, trash, files, removal),
      uploads(context, registry, quotas, versions, trash),
      completion(context, quotas, versions, uploads, files, trash),
      clearing(context, registry, versions, removal),
      erasing(context, registry, quotas, versions, files, removal),
      upload_requests(registry, deliveries, {context, quotas, versions, uploads, completion}),
      whole_files({context, registry, quotas, versions, trash}, files, deliveries, upload_requests),
      clock_guard(context) {}

}  // namespace qrx::space
