#include "space/removal.h"

#include <optional>
#include <utility>

namespace qrx::space {

// What its transaction gave back in the catalog is given back here. An upload of it that is still in memory comes from
// a start, or from another node: whoever made the delivery gone has let go of those that it knew.
void Removal::account(LiveSpace& live, const Removed& removed) {
  std::vector<Id> ended;
  {
    const SpaceLock lock(live);
    if (live.row.phase == Phase::dying) return;  // who removed it gives back all that it has
    quotas_.give_back(lock, live, removed.use.bytes, removed.use.weight);
    live.compared = 0;  // another request may have compared it since the rows went: then this was taken off twice
    for (const Id& id : removed.uploads) {
      const auto found = live.uploads.find(id);
      if (found == live.uploads.end()) continue;
      const UploadPtr upload = found->second;
      upload->removed = true;
      upload->stop = StopReason::removed;
      upload->growing->growth = Content::Growth::ended;
      quotas_.release(lock, live, *upload);
      live.uploads.erase(found);
      upload->released.notify_all();
      ended.push_back(id);
    }
  }
  for (const Id& upload : ended) context_.events.upload_grew(upload);
}

// Lazily: should power loss take it, the rows are found again, and go once more.
Result<Removed> Removal::step(LiveSpace* live, const GoneDelivery& gone) {
  Removed removed;
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    head.reset();
    // Other nodes count by it what the space has; one that is gone itself has nobody who counts.
    if (live != nullptr) (void)versions_.note(*live, transaction, head);
    removed = transaction.remove_rest(gone);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  if (live != nullptr && head) versions_.publish(*live, head);
  return removed;
}

Result<void> Removal::finish_delivery(LiveSpace* live, const GoneDelivery& gone, Removed removed,
                                      const std::stop_token& stop) {
  for (;;) {
    if (live != nullptr) account(*live, removed);
    trash_.remove(removed.blobs);
    if (removed.all) return {};
    if (auto on = context_.go_on(stop); !on) return on;
    auto next = step(live, gone);
    if (!next) return tl::unexpected(next.error());
    removed = std::move(*next);
  }
}

Result<void> Removal::finish_space(const Guid& guid, Removed removed, const std::stop_token& stop) {
  for (;;) {
    // Whose senders may wait for a word.
    for (const Id& delivery : removed.deliveries) context_.events.delivery_changed(delivery);
    trash_.remove(removed.blobs);
    if (removed.all) return {};
    if (auto on = context_.go_on(stop); !on) return on;
    auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      removed = transaction.remove_rest(guid);
      return {};
    });
    if (!changed) return changed;
  }
}

void Removal::finish(LiveSpace& live, const GoneDelivery& gone, Removed removed) {
  (void)finish_delivery(&live, gone, std::move(removed), {});
}

bool Removal::finish(const Guid& guid, Removed removed) {
  return finish_space(guid, std::move(removed), {}).has_value();
}

Result<void> Removal::resume(const Guid& guid, const std::stop_token& stop) {
  return finish_space(guid, {}, stop);
}

Result<void> Removal::resume(std::vector<std::string>& failures, const std::stop_token& stop) {
  const auto left = context_.catalog.gone_deliveries();
  if (!left) return tl::unexpected(left.error());
  for (const GoneDelivery& gone : *left) {
    if (auto on = context_.go_on(stop); !on) return on;
    // Found before anything is removed: what is in memory counts rows that are still there.
    auto live = registry_.find(gone.guid);
    auto done = live ? finish_delivery(live->get(), gone, {}, stop) : Result<void>(tl::unexpected(live.error()));
    if (!done) failures.push_back(about("delivery", gone.delivery, done.error()));
  }
  return {};
}

}  // namespace qrx::space
