#include "space/uploads.h"

#include <algorithm>
#include <chrono>

namespace qrx::space {
namespace {

// How long a holder has to notice that it is asked to stop, before a newcomer looks whether it is at work at all.
constexpr auto ask_again = Millis(250);
// Uploads without a byte, of one space: they cost a row and an empty file each.
constexpr std::size_t most_empty = 1024;
constexpr std::uint64_t most_empty_of_peer = most_empty / 4;
constexpr auto idle_after = Seconds(10);  // then one yields to others than its own sender, too

// Uploads with bytes, of one client in one space: each takes the place of a file, and of those all but a few are to
// stay for others. A space without a limit cannot be filled.
constexpr std::uint64_t least_begun_of_peer = 64;
std::uint64_t most_begun_of_peer(const Limits& limits) {
  return limits.max_files == 0 ? ~std::uint64_t{0} : std::max(least_begun_of_peer, limits.max_files / 4);
}

// What was asked for, not in the space yet.
UploadPtr new_live_upload(const Context& context, LiveSpace& live, const NewUpload& asked) {
  auto upload = std::make_shared<LiveUpload>(live.memory);
  UploadRow& row = upload->row;
  row.upload = row.blob = Id::random();
  row.guid = live.row.guid;
  row.name = asked.name;
  row.metadata = asked.metadata;
  row.length = asked.length;
  row.epoch = 1;
  row.partial = asked.partial;
  row.implicit = !asked.delivery && !asked.partial;
  row.created = context.clock.wall();
  if (context.policy.shared) row.holder = context.node;
  upload->untouched = !context.policy.shared;
  upload->growing->length = asked.length.value_or(Growing::unknown);
  return upload;
}

// The delivery of an upload that belongs to none: of one file, committed with it.
DeliveryPtr new_implicit_delivery(const LiveSpace& live, UploadRow& upload, Steady now) {
  auto own = std::make_shared<LiveDelivery>(live.memory);
  own->implicit = true;
  own->row.delivery = upload.delivery = Id::random();
  own->row.guid = upload.guid;
  own->row.created = upload.created;
  own->last_used = now;
  return own;
}

}  // namespace

tl::unexpected<Error> lost_bytes() {
  return fail(Kind::gone, "the bytes of this upload were lost: start over");
}

UploadLock UploadLock::adopt(const SpaceLock&, LiveSpace& live, UploadPtr upload) {
  upload->locked = true;
  return {live, std::move(upload)};
}

void UploadLock::unlock() {
  if (upload_ == nullptr) return;
  const UploadPtr upload = std::exchange(upload_, nullptr);
  const SpaceLock lock(live_);
  upload->locked = false;
  upload->released.notify_all();
  live_.compared = 0;  // what others did to it meanwhile was left alone
}

Uploads::Uploads(Context& context, Registry& registry, Quotas& quotas, Versions& versions, Trash& trash)
    : context_(context), registry_(registry), quotas_(quotas), versions_(versions), trash_(trash) {}

Result<UploadPtr> Uploads::find(const SpaceLock& lock, LiveSpace& live, const Id& upload) {
  if (auto open = registry_.still_open(lock, live); !open) return tl::unexpected(open.error());
  const auto found = live.uploads.find(upload);
  if (found == live.uploads.end()) return no_such_upload();
  const LiveUpload& one = *found->second;
  if (one.row.damaged) return lost_bytes();
  if (!one.locked && one.row.expires <= context_.clock.wall()) return fail(Kind::gone, "this upload has expired");
  return found->second;
}

// A sender whose connection broke comes back while the old request still waits for bytes that never come. The holder is
// asked to stop; one that only waits for its client is relieved of the upload (give_way) rather than waited for.
Result<UploadLock> Uploads::lock(LiveSpace& live, const Id& upload) {
  const auto deadline = std::chrono::steady_clock::now() + context_.policy.lock_wait;
  SpaceLock lock(live);
  struct Newcomer {
    UploadPtr upload;
    ~Newcomer() {
      if (upload) upload->newcomer = false;
    }
  } waiting;  // goes before the lock does
  for (;;) {
    if (context_.stopping) return fail(Kind::unavailable, "server shutting down");
    auto found = find(lock, live, upload);
    if (!found) return tl::unexpected(found.error());
    LiveUpload& one = **found;
    if (!one.locked) {
      one.stop = StopReason::none;
      return UploadLock::adopt(lock, live, std::move(*found));
    }
    if (waiting.upload == nullptr) {  // one may wait, for it takes a thread
      if (one.newcomer) return fail(Kind::locked, "another request waits to write this upload");
      one.newcomer = true;
      waiting.upload = *found;
    }
    one.stop = StopReason::newcomer;
    const auto soon = std::min(deadline, std::chrono::steady_clock::now() + ask_again);
    if (one.released.wait_until(lock.unique(), soon) == std::cv_status::no_timeout || !one.locked) continue;
    // `use` stands above the lock of the space.
    lock.unique().unlock();
    // Only tried: a writer at work has it for the length of a write, and sees `stop` then.
    if (const std::unique_lock use(one.use, std::try_to_lock); use && one.writer != nullptr) one.writer->give_way();
    lock.unique().lock();
    if (one.locked && std::chrono::steady_clock::now() >= deadline)
      return fail(Kind::locked, "another request writes this upload");
  }
}

Result<FileRow> Uploads::completed(const LiveSpace& live, const Id& upload) {
  auto file = context_.catalog.file(upload);
  if (file && !*file) file = context_.catalog.past_file(upload);
  if (!file) return tl::unexpected(file.error());
  if (!*file || (*file)->guid != live.row.guid) return no_such_upload();
  return std::move(**file);
}

// As with open deliveries (Deliveries::find_yielding): creating uploads costs nothing, so a client may hold a share of
// them only. `empty` is in the order of creation: the oldest yields.
Result<std::optional<UploadLock>> Uploads::find_yielding(const SpaceLock& lock, LiveSpace& live,
                                                         const std::string& peer) {
  std::size_t of_peer = 0;
  for (const auto& [number, upload] : live.empty) of_peer += upload->peer == peer ? 1 : 0;
  // A space for few files needs few of them; one file may be sent in many parts.
  const std::uint64_t files = live.row.limits.max_files;
  const std::uint64_t most_of_peer = files == 0 ? most_empty_of_peer : std::min(most_empty_of_peer, files + 64);
  const bool own = of_peer >= most_of_peer;
  if (!own && live.empty.size() < most_empty) return std::nullopt;
  const Steady idle_since = context_.clock.steady() - idle_after;
  for (const auto& [number, upload] : live.empty) {
    if (upload->locked || (own && upload->peer != peer) || (!own && upload->progress.load() > idle_since)) continue;
    return UploadLock::adopt(lock, live, upload);
  }
  constexpr const char* empty = " too many uploads that were begun and got no bytes";
  return own ? fail(Kind::too_many, std::string("this address has") + empty)
             : fail(Kind::no_room_now, std::string("this space has") + empty + "; try again in a minute");
}

UploadPtr Uploads::find_same(const SpaceLock&, LiveSpace& live, const NewUpload& asked) const {
  if (!asked.delivery || asked.partial) return nullptr;
  for (const auto& [number, one] : live.empty) {
    const UploadRow& row = one->row;
    if (one->locked || row.partial || row.delivery != asked.delivery || row.name != asked.name ||
        row.length != asked.length || row.metadata != asked.metadata)
      continue;
    one->progress = context_.clock.steady();
    return one;
  }
  return nullptr;
}

Result<void> Uploads::admit(const SpaceLock& lock, LiveSpace& live, const Wish& wish, LiveUpload& upload) {
  const NewUpload& asked = wish.upload;
  if (!asked.delivery && live.row.phase == Phase::closed) return takes_no_more_files();
  if (const std::uint64_t most = most_begun_of_peer(live.row.limits);
      !wish.at_once && live.begun->of(wish.peer) >= most)
    return fail(Kind::too_many, "this address has " + std::to_string(most) +
                                    " unfinished uploads in this space, as many as it may have: finish or cancel some");
  upload.row.expires = std::min(live.row.expires, upload.row.created + context_.policy.upload_expire);
  const std::uint64_t bytes = asked.length.value_or(0);
  return wish.at_once ? quotas_.reserve(lock, live, upload, bytes, wish.bytes_freed)
                      : quotas_.promise(lock, live, upload, bytes, wish.peer);
}

Result<std::optional<SpaceHead>> Uploads::store(LiveSpace& live, const UploadRow& row, const DeliveryRow* implicit) {
  // The row first: a blob without one would be taken for an orphan.
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    if (auto there = versions_.note(live, transaction, head); !there) return there;
    if (head && implicit != nullptr && head->phase != Phase::open) return takes_no_more_files();
    if (head && implicit == nullptr && !row.partial && !transaction.open_delivery(row.delivery))
      return no_such_delivery();
    if (implicit != nullptr) transaction.put_delivery(*implicit);
    transaction.put_upload(row);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  auto made = context_.blobs.create(row.blob);
  if (made) return head;
  // Should the row stay, it has no blob and no byte: its sender was told of the failure, and it expires.
  (void)context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    transaction.remove_upload(row.upload);
    if (implicit != nullptr) transaction.remove_delivery(implicit->delivery);
    return {};
  });
  return tl::unexpected(made.error());
}

Result<UploadPtr> Uploads::begin(const SharedGate& gate, LiveSpace& live, const Wish& asked) {
  Wish wish = asked;
  // Of an empty file nothing more comes: it is there with its creation.
  wish.at_once = wish.at_once || (wish.upload.length == 0U && !wish.upload.partial);
  const UploadPtr upload = new_live_upload(context_, live, wish.upload);
  UploadRow& row = upload->row;
  const DeliveryPtr own = row.implicit ? new_implicit_delivery(live, row, context_.clock.steady()) : nullptr;
  std::optional<UploadLock> yielding;  // let go after the lock
  {
    const SpaceLock lock(live);
    if (auto open = registry_.still_open(lock, live); !open) return tl::unexpected(open.error());
    if (wish.upload.delivery) {
      auto delivery = registry_.open_delivery(lock, live, *wish.upload.delivery);
      if (!delivery) return tl::unexpected(delivery.error());
      if ((*delivery)->committing) return fail(Kind::conflict, "this delivery is being committed");
      (*delivery)->last_used = context_.clock.steady();
      row.delivery = *wish.upload.delivery;
    }
    // The answer to a creation was lost and its sender asks again: the same upload, or the first would never be
    // completed and the delivery never be committed.
    if (auto same = find_same(lock, live, wish.upload)) return same;
    // Whatever fails from here on, it goes with the upload.
    if (auto held = upload->memory.take(row.name.size() + row.metadata.size()); !held)
      return tl::unexpected(held.error());
    if (auto admitted = admit(lock, live, wish, *upload); !admitted) return tl::unexpected(admitted.error());
    if (!wish.at_once) {
      auto found = find_yielding(lock, live, wish.peer);
      if (!found) {
        quotas_.release(lock, live, *upload);
        return tl::unexpected(found.error());
      }
      if (*found) yielding.emplace(std::move(**found));
    }
  }
  Result<std::optional<SpaceHead>> begun;
  if (yielding)
    if (auto dropped = drop(SoleUse(gate, *yielding), live, yielding->upload(), Durability::lazy); !dropped)
      begun = tl::unexpected(dropped.error());
  if (begun) begun = store(live, row, own ? &own->row : nullptr);
  if (begun && *begun) versions_.publish(live, *begun);
  const SpaceLock lock(live);
  if (!begun) {
    quotas_.release(lock, live, *upload);
    return tl::unexpected(begun.error());
  }
  if (own) live.open.emplace(own->row.delivery, own);
  live.uploads.emplace(row.upload, upload);
  // Visible only when row and blob are there: nobody could lock it before.
  if (!upload->weighs) live.empty.emplace(upload->number = live.next_number++, upload);
  return upload;
}

Result<void> Uploads::drop(const SoleUse&, LiveSpace& live, const UploadPtr& upload, Durability how) {
  std::vector<BlobKey> blobs;
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(how, [&](Transaction& transaction) -> Result<void> {
    if (auto there = versions_.note(live, transaction, head); !there && there.error().kind != Kind::gone) return there;
    if (head && !transaction.upload(upload->row.upload)) return no_such_upload();
    blobs = transaction.remove_upload(upload->row.upload);
    if (upload->row.implicit) transaction.remove_delivery(upload->row.delivery);
    return {};
  });
  if (!changed) return changed;
  {
    const SpaceLock lock(live);
    upload->removed = true;
    upload->stop = StopReason::removed;
    live.uploads.erase(upload->row.upload);
    if (upload->row.implicit) live.open.erase(upload->row.delivery);
    quotas_.release(lock, live, *upload);
    upload->released.notify_all();
  }
  upload->growing->growth = Content::Growth::ended;
  trash_.remove(blobs);
  context_.events.upload_grew(upload->row.upload);
  versions_.changed(live, head);
  return {};
}

Result<bool> Uploads::end(LiveSpace& live, const Id& upload) {
  // Exclusive, so its writer is not between the end of its bytes and its row: either it is a file by now, or it never
  // will be.
  const ExclusiveGate gate(live);
  UploadPtr found;
  {
    const SpaceLock lock(live);
    if (auto open = registry_.still_open(lock, live); !open) return tl::unexpected(open.error());
    if (const auto at = live.uploads.find(upload); at != live.uploads.end()) found = at->second;
  }
  if (found) return drop(SoleUse(gate), live, found, context_.durability()).map([] { return true; });
  if (auto file = completed(live, upload); !file) return tl::unexpected(file.error());
  return false;
}

}  // namespace qrx::space
