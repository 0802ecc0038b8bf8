#include "space/blocking.h"

#include <vector>

namespace qrx::space {

// Writers are asked to stop before the row changes: none of them gets its bytes acknowledged behind the block. They
// keep what is durable, as at a shutdown.
Result<void> block(Rules& rules, const Guid& guid) {
  auto found = rules.registry.find(guid);
  if (!found) return tl::unexpected(found.error());
  if (*found == nullptr) return no_such_space();
  LiveSpace& live = **found;
  // Shared is enough, for nothing is removed: the rows stay until the space expires.
  const SharedGate gate(live);
  {
    const SpaceLock lock(live);
    if (live.row.phase == Phase::dying) return no_such_space();
    for (const auto& [id, upload] : live.uploads) upload->stop = StopReason::stopping;
  }
  SpaceChange wish;
  wish.phase = Phase::blocked;
  if (auto changed = rules.versions.change(live, wish); !changed) return changed;
  // What is taken from it just now is cut off (Versions::publish), and so are those who wait for an upload to grow.
  std::vector<Id> uploads;
  {
    const SpaceLock lock(live);
    for (const auto& [id, upload] : live.uploads) uploads.push_back(id);
  }
  for (const Id& upload : uploads) rules.context.events.upload_grew(upload);
  return {};
}

}  // namespace qrx::space
