#include "space/rooms.h"

namespace qrx::space {

Rooms::Rooms(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, const Policy& policy)
    : context{catalog, blobs, clock, events, policy},
      registry(context),
      versions(context),
      quotas(context),
      files(context, registry, quotas, removals),
      deliveries(context, registry, quotas, versions, removals, files),
      uploads(context, registry, quotas, versions, removals),
      completion(context, quotas, versions, uploads, files),
      erasing(context, registry, quotas, versions, files) {}

}  // namespace qrx::space
