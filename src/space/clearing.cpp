#include "space/clearing.h"

#include <optional>
#include <utility>

#include "space/delivered.h"
#include "space/share_book.h"

namespace qrx::space {
namespace {

tl::unexpected<Error> is_shared() {
  return fail(Kind::conflict, "a link shares what is in this space");
}

}  // namespace

Result<Clearing::Links> Clearing::links_to(LiveSpace& live) const {
  Links links;
  const WallTime now = context_.clock.wall();
  for (std::uint64_t next = 0;;) {
    const auto page = context_.catalog.shares(live.row.guid, next, {});
    if (!page) return tl::unexpected(page.error());
    for (const ShareRow& row : page->shares) {
      if (row.revoked) continue;
      ++links.all;
      links.any_valid = links.any_valid || end_of(row, live) > now;
    }
    next = page->next;
    if (next == 0) return links;
  }
}

// As of the transaction. `links`: how many there were when none of them was valid.
Result<void> Clearing::may_go(Transaction& transaction, const Guid& guid, const Id& delivery,
                              std::uint64_t links) const {
  auto receipt = transaction.receipt(delivery);
  if (!receipt || receipt->guid != guid || receipt->counts.missing > 0 || receipt->counts.kept > 0)
    return fail(Kind::conflict, "its receiver has not said that all of this delivery is saved or declined");
  if (transaction.count_shares(guid).live != links) return is_shared();
  receipt->at = context_.clock.wall();  // it is kept for a while from now on
  transaction.put_receipt(*receipt);
  return {};
}

Result<void> Clearing::clear(LiveSpace& live, const Id& delivery) {
  const Guid guid = live.row.guid;
  std::optional<ExclusiveGate> gate(live);  // no link is made meanwhile
  {
    const SpaceLock lock(live);
    if (auto open = registry_.still_open(lock, live); !open) return open;
    if (live.open.contains(delivery)) return fail(Kind::conflict, "this delivery is not committed");
  }
  const auto delivered = find_delivered(context_.catalog, guid, delivery);
  if (!delivered) return tl::unexpected(delivered.error());
  if (delivered->cleared) return {};
  const auto links = links_to(live);
  if (!links) return tl::unexpected(links.error());
  if (links->any_valid) return is_shared();
  Removed removed;
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    head.reset();
    if (auto may = may_go(transaction, guid, delivery, links->all); !may) return may;
    removed = transaction.clear_delivery(delivery);
    return removed.there ? versions_.advance(live, transaction, head) : Result<void>();
  });
  if (!changed) return changed;
  if (!removed.there) return {};  // another node was first
  versions_.publish(live, head);
  gate.reset();
  removal_.finish(live, {delivery, guid}, std::move(removed));
  return {};
}

}  // namespace qrx::space
