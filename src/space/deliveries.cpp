#include "space/deliveries.h"

#include <algorithm>
#include <string>
#include <unordered_set>
#include <utility>

#include "base/ip_address.h"
#include "space/content_type.h"
#include "space/delivered.h"
#include "wire/names.h"

namespace qrx::space {
namespace {

wire::ReceivedFile received(const FileRow& row) {
  return {row.name, row.size, row.xxh128};
}

wire::DeliveryState state_of(const LiveDelivery& delivery) {
  wire::DeliveryState state;
  state.delivery = delivery.row.delivery;
  for (const FileRow& row : delivery.stored) state.files.push_back(received(row));
  for (const auto& [name, row] : delivery.pack.files) state.files.push_back(received(row));
  return state;
}

}  // namespace

Deliveries::Deliveries(Context& context, Registry& registry, Quotas& quotas, Versions& versions, Trash& trash,
                       DeliveryFiles& files, Removal& removal)
    : context_(context),
      registry_(registry),
      quotas_(quotas),
      versions_(versions),
      trash_(trash),
      files_(files),
      removal_(removal),
      commit_rows_(context, versions) {}

Result<wire::DeliveryState> Deliveries::committed_state(const LiveSpace& live, const Id& delivery) {
  const auto delivered = find_delivered(context_.catalog, live.row.guid, delivery);
  if (!delivered) return tl::unexpected(delivered.error());
  wire::DeliveryState out;
  out.delivery = delivery;
  out.committed = true;
  for (const FileRow* file : delivered->files) out.files.push_back(received(*file));
  return out;
}

Result<DeliveryRow> Deliveries::open(LiveSpace& live, const wire::CreateDelivery& wish, const Sender& sender) {
  const SharedGate gate(live);
  auto delivery = std::make_shared<LiveDelivery>(live.memory);
  delivery->row.delivery = Id::random();
  delivery->row.guid = live.row.guid;
  delivery->row.message = wish.message;
  delivery->row.created = context_.clock.wall();
  delivery->peer = peer_key(sender.peer);
  delivery->last_used = context_.clock.steady();
  std::optional<Yielding> yielding;
  {
    const SpaceLock lock(live);
    if (auto open = registry_.still_open(lock, live); !open) return tl::unexpected(open.error());
    if (live.row.phase == Phase::closed) return takes_no_more_files();
    if (auto held = delivery->memory.take(wish.message.size()); !held) return tl::unexpected(held.error());
    auto found = find_yielding(lock, live, delivery->peer, context_.clock.steady());
    if (!found) return tl::unexpected(found.error());
    yielding = std::move(*found);
    // In memory before its row, so that two openings at once count each other. Nobody knows its id before the answer.
    live.open.emplace(delivery->row.delivery, delivery);
  }
  if (yielding)
    if (auto dropped = drop(gate, *yielding, live); !dropped) {
      const SpaceLock lock(live);
      live.open.erase(delivery->row.delivery);
      return tl::unexpected(dropped.error());
    }
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    if (auto there = versions_.note(live, transaction, head); !there) return there;
    if (head && head->phase != Phase::open) return takes_no_more_files();
    transaction.put_delivery(delivery->row);
    return {};
  });
  if (changed) {
    versions_.changed(live, head);
    return delivery->row;
  }
  const SpaceLock lock(live);
  live.open.erase(delivery->row.delivery);
  return tl::unexpected(changed.error());
}

Result<wire::DeliveryState> Deliveries::state(LiveSpace& live, const Id& delivery) {
  {
    const SpaceLock lock(live);
    auto found = registry_.open_delivery(lock, live, delivery);
    if (found) return state_of(**found);
    if (found.error().kind != Kind::not_found) return tl::unexpected(found.error());
  }
  return committed_state(live, delivery);
}

// An empty upload may be forgotten when the delivery has a file of its name, or when the sender counted its files and
// all are there (`all_there`). Otherwise it may be a file that is still to come.
Result<std::vector<UploadPtr>> Deliveries::lock_leftovers(const SpaceLock&, LiveSpace& live,
                                                          const LiveDelivery& delivery, bool all_there) {
  std::vector<UploadPtr> leftovers;
  for (const auto& [id, upload] : live.uploads) {
    const UploadRow& row = upload->row;
    if (row.delivery != delivery.row.delivery || row.partial || row.damaged) continue;
    const auto same_name = [&](const FileRow& file) { return file.name == row.name; };
    const bool twice = delivery.pack.files.contains(row.name) ||
                       std::any_of(delivery.stored.begin(), delivery.stored.end(), same_name);
    if (upload->locked || !live.empty.contains(upload->number) || (!twice && !all_there))
      return fail(Kind::conflict, "an upload of this delivery is not complete");
    leftovers.push_back(upload);
  }
  for (const UploadPtr& upload : leftovers) upload->locked = true;
  return leftovers;
}

// Waits with the gate held, but only for those who hold it shared as well.
Result<DeliveryPtr> Deliveries::begin_commit(SpaceLock& lock, LiveSpace& live, const Id& delivery) {
  for (;;) {
    auto found = registry_.open_delivery(lock, live, delivery);
    if (!found && found.error().kind == Kind::not_found) return DeliveryPtr();
    if (!found) return found;
    const DeliveryPtr open = std::move(*found);
    if (!open->committing) {
      open->committing = true;
      // Whoever is writing a small file took its place before `committing` was set, and is in the commit.
      open->pack.written.wait(lock.unique(), [&] { return open->pack.writing == 0; });
      return open;
    }
    open->pack.written.wait(lock.unique());  // the same request again, while the first one runs
  }
}

void Deliveries::take_back_commit(LiveSpace& live, LiveDelivery& delivery, const std::vector<UploadPtr>& leftovers) {
  const SpaceLock lock(live);
  delivery.committing = false;
  delivery.last_used = context_.clock.steady();
  delivery.pack.written.notify_all();
  for (const UploadPtr& upload : leftovers) {
    upload->locked = false;
    upload->released.notify_all();
  }
}

// It takes the place of one manifest: there cannot be more of either than files.
Result<void> Deliveries::take_text(LiveSpace& live, const Id& delivery) {
  const SpaceLock lock(live);
  if (live.row.seal == Seal::require) return sealed_only();
  return quotas_.take(lock, live, 0, text_weight, delivery);
}

Result<wire::DeliveryState> Deliveries::commit(LiveSpace& live, const Id& delivery, const wire::CommitDelivery& wish) {
  const SharedGate gate(live);
  std::optional<SpaceLock> lock(live);
  auto begun = begin_commit(*lock, live, delivery);
  if (!begun) return tl::unexpected(begun.error());
  if (*begun == nullptr) {
    lock.reset();
    return committed_state(live, delivery);
  }
  LiveDelivery& open = **begun;
  wire::DeliveryState state = state_of(open);
  // Under the same lock as the state: what is answered is what is committed.
  auto leftovers = lock_leftovers(*lock, live, open, wish.files && *wish.files == state.files.size());
  const Weight message = message_weight(open.row);
  const auto message_taken = message == Weight{} ? Result<void>() : quotas_.take(*lock, live, 0, message, delivery);
  lock.reset();
  const auto done = [&]() -> Result<void> {
    if (!leftovers) return tl::unexpected(leftovers.error());
    if (!message_taken) return message_taken;
    if (state.files.empty() && wish.files == 0 && !open.row.message.empty()) {
      if (auto taken = take_text(live, delivery); !taken) return taken;
      auto written = write_commit(gate, live, *begun, *leftovers, text_weight);
      if (!written) quotas_.give_back(SpaceLock(live), live, 0, text_weight);
      return written;
    }
    if (state.files.empty() || (wish.files && *wish.files != state.files.size()))
      return fail(Kind::conflict, "this delivery has " + std::to_string(state.files.size()) +
                                      " complete files: send again what is missing, then commit");
    // Bytes before rows: a row that names bytes which a power cut took would be an acknowledged file that is lost. A
    // pack without rows is only an orphan.
    if (auto kept = files_.keep_pack(gate, live, open); !kept) return kept;
    return write_commit(gate, live, *begun, *leftovers, {});
  }();
  if (!done) {
    if (message_taken) quotas_.give_back(SpaceLock(live), live, 0, message);
    take_back_commit(live, open, leftovers ? *leftovers : std::vector<UploadPtr>());
    return tl::unexpected(done.error());
  }
  context_.events.delivery_changed(delivery);
  state.committed = true;
  return state;
}

// Another node may have added a file or begun an upload since this one compared its memory with the catalog: the sender
// would be told of fewer files than it has sent.
Result<void> Deliveries::unchanged(Transaction& transaction, const LiveDelivery& delivery,
                                   const std::vector<UploadPtr>& leftovers) const {
  const auto changed = [] {
    return fail(Kind::conflict, "this delivery has changed meanwhile: ask for it, then commit again");
  };
  const auto now = transaction.open_delivery(delivery.row.delivery);
  if (!now || now->files.size() != delivery.stored.size()) return changed();
  std::unordered_set<Id, IdHash> stored;
  for (const FileRow& file : delivery.stored) stored.insert(file.file);
  if (!std::all_of(now->files.begin(), now->files.end(),
                   [&](const FileRow& file) { return stored.contains(file.file); }))
    return changed();
  for (const UploadRow& row : now->uploads) {
    if (row.partial || row.damaged) continue;
    const bool known = std::any_of(leftovers.begin(), leftovers.end(),
                                   [&](const UploadPtr& one) { return one->row.upload == row.upload; });
    // Empty, but another node has a writer at it: bytes may be about to be recorded.
    const bool begun = row.epoch > 1 && row.holder != Id() && row.holder != context_.node;
    if (!known || row.offset > 0 || begun) return changed();
  }
  return {};
}

// One transaction makes the delivery visible with all its files and the next version of the space: readers see all of
// it or nothing. Of many files, rows that stand there before it are shown to nobody (CommitRows).
Result<void> Deliveries::write_commit(const SharedGate&, LiveSpace& live, const DeliveryPtr& delivery,
                                      const std::vector<UploadPtr>& leftovers, Weight text) {
  const std::vector<FileRow> small = rows_of(delivery->pack);
  std::span<const FileRow> last = small;
  if (auto ahead = commit_rows_.put_ahead(live, *delivery, last); !ahead) return ahead;
  SpaceChange change;
  change.more = use_of(last);
  change.more.weight += text;
  change.more.weight += message_weight(delivery->row);
  std::vector<BlobKey> blobs;
  DeliveryRow row = delivery->row;
  row.committed = context_.clock.wall();
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    if (context_.policy.shared)
      if (auto same = unchanged(transaction, *delivery, leftovers); !same) return same;
    if (!transaction.commit_delivery(row)) return no_such_delivery();
    transaction.put_files(last);
    transaction.put_extents(row.delivery, delivery->pack.extents);
    blobs.clear();
    for (const UploadPtr& upload : leftovers)
      for (const BlobKey& blob : transaction.remove_upload(upload->row.upload)) blobs.push_back(blob);
    return versions_.advance(live, transaction, head, change);
  });
  if (!changed) {
    (void)commit_rows_.take_back(*delivery);
    return changed;
  }
  {
    const SpaceLock lock(live);
    for (const UploadPtr& upload : leftovers) {
      upload->removed = true;
      upload->growing->growth = Content::Growth::ended;
      quotas_.release(lock, live, *upload);
      live.uploads.erase(upload->row.upload);
      upload->released.notify_all();
    }
    live.open.erase(row.delivery);
    delivery->pack.written.notify_all();
  }
  // Memory first, then blobs, then readers: whoever is woken by the new version finds the delivery committed.
  files_.forget_pack(row.delivery);
  trash_.remove(blobs);
  versions_.publish(live, head);
  return {};
}

Result<Removed> Deliveries::drop_all(LiveSpace& live, const DeliveryPtr& delivery, Durability how) {
  const Id id = delivery->row.delivery;
  // Of a commit that failed, and could not even clean up: in memory they count with their pack.
  if (auto clean = commit_rows_.take_back(*delivery); !clean) return tl::unexpected(clean.error());
  Removed removed;
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(how, [&](Transaction& transaction) -> Result<void> {
    // Of an expired or blocked space it may go all the same.
    if (auto there = versions_.note(live, transaction, head); !there && there.error().kind != Kind::gone) return there;
    removed = transaction.remove_delivery(id);
    // By another node, since this one looked.
    if (head && !removed.there) return fail(Kind::conflict, "this delivery is committed");
    transaction.discard(id);  // its pack, if there is any
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  std::vector<UploadPtr> uploads;
  {
    const SpaceLock lock(live);
    for (const auto& [key, upload] : live.uploads)
      if (upload->row.delivery == id) uploads.push_back(upload);
    for (const UploadPtr& upload : uploads) {
      upload->removed = true;
      // Its writer may be in the middle of write(): it stops there, and counts nothing any more.
      upload->stop = StopReason::removed;
      quotas_.release(lock, live, *upload);
      live.uploads.erase(upload->row.upload);
      upload->released.notify_all();
    }
    live.open.erase(id);
    delivery->pack.written.notify_all();
  }
  // After the rows. The blob stands in the trash since the transaction: should the process end here, the next start
  // removes it.
  files_.drop_pack(live, *delivery);
  for (const UploadPtr& upload : uploads) {
    upload->growing->growth = Content::Growth::ended;
    context_.events.upload_grew(upload->row.upload);
  }
  removed.blobs.push_back(id);
  versions_.changed(live, head);
  return removed;
}

Result<Removed> Deliveries::drop(const ExclusiveGate&, LiveSpace& live, const DeliveryPtr& delivery, Durability how) {
  return drop_all(live, delivery, how);
}

Result<void> Deliveries::drop(const SharedGate&, const Yielding& yielding, LiveSpace& live) {
  auto removed = drop_all(live, yielding.delivery, Durability::lazy);
  if (!removed) {
    // Its rows stay, so it does: whoever commits it must not wait for ever.
    take_back_commit(live, *yielding.delivery, yielding.locked);
    return tl::unexpected(removed.error());
  }
  removal_.finish(live, {yielding.delivery->row.delivery, live.row.guid}, std::move(*removed));
  return {};
}

bool Deliveries::make_room(const SharedGate& gate, LiveSpace& live, const Id& delivery, const Use& wish, bool& looked) {
  // A client sends several files at once: those that come while the first of them makes room wait for that.
  const RoomLock one_at_a_time(live);
  std::optional<Yielding> forsaken;
  {
    const SpaceLock lock(live);
    if (!std::exchange(looked, true) && fits_now(lock, live, wish)) return true;
    if (!fits_without_others(lock, live, delivery, wish)) return false;
    forsaken = find_forsaken(lock, live, context_.clock.steady());
  }
  return forsaken && drop(gate, *forsaken, live);
}

Result<void> Deliveries::end(LiveSpace& live, const Id& delivery, bool by_owner) {
  std::optional<ExclusiveGate> gate(live);
  DeliveryPtr open;
  {
    const SpaceLock lock(live);
    if (auto still = registry_.still_open(lock, live); !still) return still;
    const auto found = live.open.find(delivery);
    // Its sender ends an implicit one by its upload.
    if (found != live.open.end() && (by_owner || !found->second->implicit)) open = found->second;
  }
  if (open) {
    auto removed = drop(*gate, live, open, context_.durability());
    if (!removed) return tl::unexpected(removed.error());
    gate.reset();
    removal_.finish(live, {delivery, live.row.guid}, std::move(*removed));
    return {};
  }
  if (auto state = committed_state(live, delivery); !state) return tl::unexpected(state.error());
  return fail(Kind::conflict, "this delivery is committed");
}

}  // namespace qrx::space
