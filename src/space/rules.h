// The rules of spaces: their parts, put together. What needs one part takes that one, not all.
// Private to src/space.
#pragma once

#include <mutex>

#include "space/clearing.h"
#include "space/clock_guard.h"
#include "space/completing.h"
#include "space/context.h"
#include "space/deliveries.h"
#include "space/delivery_files.h"
#include "space/erasing.h"
#include "space/quotas.h"
#include "space/receipts.h"
#include "space/registry.h"
#include "space/removal.h"
#include "space/trash.h"
#include "space/upload_requests.h"
#include "space/uploads.h"
#include "space/versions.h"
#include "space/whole_files.h"

namespace qrx::space {

struct Rules {
  Rules(Catalog& catalog, Blobs& blobs, Clock& clock, Events& events, const Policy& policy);

  Context context;
  Quotas quotas;
  Registry registry;
  Versions versions;
  Trash trash;
  Removal removal;
  DeliveryFiles files;
  Receipts receipts;
  Deliveries deliveries;
  Uploads uploads;
  Completion completion;
  Clearing clearing;
  Erasing erasing;
  UploadRequests upload_requests;
  WholeFiles whole_files;
  ClockGuard clock_guard;
  std::mutex sweep_mutex;  // one sweep at a time: of the clock guard, too
};

}  // namespace qrx::space
