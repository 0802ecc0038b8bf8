// The files of open deliveries: small ones in packs, and what replaces what.
// Private to src/space.
#pragma once

#include "space/context.h"
#include "space/live.h"
#include "space/open_packs.h"
#include "space/quotas.h"
#include "space/registry.h"
#include "space/trash.h"

namespace qrx::space {

// Thread-safe.
class DeliveryFiles {
 public:
  DeliveryFiles(Context& context, Registry& registry, Quotas& quotas, Trash& trash);

  // A small file, checked; its answer may have been lost: again is fine.
  Result<FileRow> put(const SharedGate& gate, LiveSpace& live, FileRow file, ByteView bytes);
  // Before a commit: the pack durable and published, unless it has been before. Files of a pack that cannot be kept
  // are forgotten.
  Result<void> keep_pack(const SharedGate& gate, LiveSpace& live, LiveDelivery& delivery);
  void drop_pack(LiveSpace& live, LiveDelivery& delivery);
  void forget_pack(const Id& delivery) { packs_.forget(delivery); }  // nothing more is written into it
  // Removes a stored file that the same delivery has again by now.
  void drop_replaced(const SharedGate&, LiveSpace& live, const FileRow& file);

 private:
  struct Place {
    DeliveryPtr delivery;
    std::shared_ptr<Staged> staged;  // null: the same file is there already
    Weight weight;                   // taken for it
    std::uint64_t text;              // likewise, of the memory for names
  };
  // The place of a new file in its delivery's pack, taken of the quotas; or the same file, which is there already.
  Result<Place> take_place(const SpaceLock& lock, LiveSpace& live, FileRow& file);
  // Moves the files of a pack together over what was replaced, and shortens its blob. Nobody writes into it.
  Result<void> compact_pack(LiveSpace& live, LiveDelivery& delivery, Staged& staged);
  static Result<void> make_pack_durable(Pack& pack, Staged& staged);

  Context& context_;
  Registry& registry_;
  Quotas& quotas_;
  Trash& trash_;
  OpenPacks packs_;
};

}  // namespace qrx::space
