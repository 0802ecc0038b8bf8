// What is gone and may have any number of rows: the rest of it goes in steps, each a transaction of its own, so that
// others wait for none of them for long. Private to src/space.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "space/context.h"
#include "space/live.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/trash.h"
#include "space/versions.h"

namespace qrx::space {

// Thread-safe. What makes a thing gone is a transaction of whoever wants that (Transaction::remove_delivery(),
// clear_delivery(), remove_space()); what it has removed already is handed over here. A step that fails, or a stop,
// leaves the rest to the next sweep, which is why nothing here tells the caller: to everybody else the thing is gone.
// No lock of a space is to be held but the gate, and better not that.
class Removal {
 public:
  Removal(Context& context, Registry& registry, Quotas& quotas, Versions& versions, Trash& trash)
      : context_(context), registry_(registry), quotas_(quotas), versions_(versions), trash_(trash) {}

  // A delivery of a space that stays: what its rows count for is given back as they go.
  void finish(LiveSpace& live, const GoneDelivery& gone, Removed removed);
  // A space. What it counted for was given back when it was marked. False: something is left of it.
  bool finish(const Guid& guid, Removed removed);
  // What another process has begun, or a step that failed has left. Goes on after a failure; each is told in
  // `failures`.
  Result<void> resume(std::vector<std::string>& failures, const std::stop_token& stop);
  // A space that is dying, if there is one with this guid: likewise.
  Result<void> resume(const Guid& guid, const std::stop_token& stop);

 private:
  void account(LiveSpace& live, const Removed& removed);
  Result<Removed> step(LiveSpace* live, const GoneDelivery& gone);
  Result<void> finish_delivery(LiveSpace* live, const GoneDelivery& gone, Removed removed, const std::stop_token& stop);
  Result<void> finish_space(const Guid& guid, Removed removed, const std::stop_token& stop);

  Context& context_;
  Registry& registry_;
  Quotas& quotas_;
  Versions& versions_;
  Trash& trash_;
};

}  // namespace qrx::space
