// Deliveries of several files: opened, looked at, committed, ended.
// Private to src/space.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "space/commit_rows.h"
#include "space/context.h"
#include "space/delivery_files.h"
#include "space/live.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/removal.h"
#include "space/sending.h"
#include "space/trash.h"
#include "space/versions.h"
#include "space/yielding.h"
#include "wire/messages.h"

namespace qrx::space {

// Thread-safe. The errors of each are those of Spaces.
class Deliveries {
 public:
  Deliveries(Context& context, Registry& registry, Quotas& quotas, Versions& versions, Trash& trash,
             DeliveryFiles& files, Removal& removal);

  // REQUIRES: wire::check_message() has passed.
  Result<DeliveryRow> open(LiveSpace& live, const wire::CreateDelivery& wish, const Sender& sender);
  Result<wire::DeliveryState> state(LiveSpace& live, const Id& delivery);
  Result<wire::DeliveryState> commit(LiveSpace& live, const Id& delivery, const wire::CommitDelivery& wish);
  // Kind::conflict once it is committed. Takes the gate.
  Result<void> end(LiveSpace& live, const Id& delivery, bool by_owner);
  // It is gone; what is left of it is for Removal::finish(), once the gate is let go.
  Result<Removed> drop(const ExclusiveGate&, LiveSpace& live, const DeliveryPtr& delivery, Durability how);
  // Does `attempt`, which adds `wish` to the space as a part of `delivery` (Id(): of none yet). When it does not fit,
  // an open delivery with small files that nobody has touched for a while goes, and it is tried again, until none can
  // make room.
  template <class Attempt>
  auto with_room(const SharedGate& gate, LiveSpace& live, const Id& delivery, const Use& wish, Attempt&& attempt)
      -> decltype(attempt()) {
    for (bool looked = false;;) {
      auto done = attempt();
      if (done) return done;
      const Kind kind = done.error().kind;
      const bool is_room = kind == Kind::too_large || kind == Kind::no_room || kind == Kind::no_room_now;
      if (!is_room || !make_room(gate, live, delivery, wish, looked)) return done;
    }
  }

 private:
  // Whether there is some by now. `looked`: it was tried again because there was room by then, once; what refuses it
  // may be another limit.
  bool make_room(const SharedGate& gate, LiveSpace& live, const Id& delivery, const Use& wish, bool& looked);
  Result<void> drop(const SharedGate&, const Yielding& yielding, LiveSpace& live);
  Result<Removed> drop_all(LiveSpace& live, const DeliveryPtr& delivery, Durability how);
  // The delivery that is to be committed, nobody writing into it; null when it is not open (any more).
  Result<DeliveryPtr> begin_commit(SpaceLock& lock, LiveSpace& live, const Id& delivery);
  // Uploads that never got a byte: their creation was asked for twice, or their sender has what matters complete. They
  // do not keep the delivery open; each is locked. Kind::conflict for any other.
  Result<std::vector<UploadPtr>> lock_leftovers(const SpaceLock&, LiveSpace& live, const LiveDelivery& delivery,
                                                bool all_there);
  Result<void> take_text(LiveSpace& live, const Id& delivery);  // of the quotas: a delivery without a file
  // Of many nodes: as this one knows it. Kind::conflict.
  Result<void> unchanged(Transaction& transaction, const LiveDelivery& delivery,
                         const std::vector<UploadPtr>& leftovers) const;
  // `text`: what it counts for beside its files.
  Result<void> write_commit(const SharedGate&, LiveSpace& live, const DeliveryPtr& delivery,
                            const std::vector<UploadPtr>& leftovers, Weight text);
  void take_back_commit(LiveSpace& live, LiveDelivery& delivery, const std::vector<UploadPtr>& leftovers);
  Result<wire::DeliveryState> committed_state(const LiveSpace& live, const Id& delivery);  // Kind::not_found

  Context& context_;
  Registry& registry_;
  Quotas& quotas_;
  Versions& versions_;
  Trash& trash_;
  DeliveryFiles& files_;
  Removal& removal_;
  CommitRows commit_rows_;
};

}  // namespace qrx::space
