#include "space/yielding.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

namespace qrx::space {
namespace {

using IdSet = std::unordered_set<Id, IdHash>;

// Open deliveries of one space: they cost memory, and a file each once they have small files.
constexpr std::size_t most_open = 256;
constexpr std::size_t most_open_of_peer = most_open / 4;
// When an open delivery yields to a newcomer of another client, and when its small files, which are not acknowledged
// before the commit, no longer count for it.
constexpr auto idle_after = Seconds(10);
constexpr auto forsaken_after = Seconds(60);

// Deliveries with uploads that run or have acknowledged bytes.
IdSet in_use(const LiveSpace& live) {
  IdSet out;
  for (const auto& [id, upload] : live.uploads)
    if (upload->locked || upload->row.offset > 0) out.insert(upload->row.delivery);
  return out;
}

// What was acknowledged stays: files of completed uploads, and uploads with durable bytes.
bool may_go(const LiveDelivery& one, const IdSet& used) {
  return !one.implicit && !one.committing && one.stored.empty() && one.pack.writing == 0 &&
         !used.contains(one.row.delivery);
}

// Beside what is there, less `freed`.
bool fits(const LiveSpace& live, const Use& wish, const Use& freed) {
  const auto one_fits = [](const Ledger& ledger, std::uint64_t less, std::uint64_t more, std::uint64_t most) {
    return more == 0 || ledger.fits(more, most, less);
  };
  const Limits& limits = live.row.limits;
  const std::uint64_t most_parts = limits.max_files == 0 ? 0 : limits.max_files + parts_beyond_files;
  return one_fits(live.bytes, freed.bytes, wish.bytes, limits.max_size) &&
         one_fits(live.files, freed.weight.files, wish.weight.files, limits.max_files) &&
         one_fits(live.manifests, freed.weight.manifests, wish.weight.manifests, limits.max_files) &&
         one_fits(live.parts, freed.weight.parts, wish.weight.parts, most_parts) &&
         one_fits(live.texts, freed.weight.texts, wish.weight.texts, most_texts(limits));
}

Yielding take(LiveSpace& live, DeliveryPtr delivery) {
  delivery->committing = true;
  Yielding found{std::move(delivery), {}};
  for (const auto& [id, upload] : live.uploads)
    if (upload->row.delivery == found.delivery->row.delivery) found.locked.push_back(upload);
  for (const UploadPtr& upload : found.locked) upload->locked = true;
  return found;
}

}  // namespace

// Opening a delivery costs its sender nothing, and whoever has the link may do it. Without this, one client that opens
// 256 would shut out all others until they expire. Of those that may yield, one without files goes first, then the one
// that was idle longest.
Result<std::optional<Yielding>> find_yielding(const SpaceLock&, LiveSpace& live, const std::string& peer, Steady now) {
  std::size_t open = 0, of_peer = 0;
  for (const auto& [id, delivery] : live.open) {
    if (delivery->implicit) continue;
    ++open;
    of_peer += delivery->peer == peer ? 1 : 0;
  }
  const bool own = of_peer >= most_open_of_peer;
  if (!own && open < most_open) return std::nullopt;
  const IdSet used = in_use(live);
  DeliveryPtr yielding;
  const auto before = [](const LiveDelivery& a, const LiveDelivery& b) {
    return std::pair(!a.pack.files.empty(), a.last_used) < std::pair(!b.pack.files.empty(), b.last_used);
  };
  for (const auto& [id, delivery] : live.open) {
    const LiveDelivery& one = *delivery;
    const auto idle = now - one.last_used;
    if (!may_go(one, used)) continue;
    // A client over its share gives up one of its own, however busy; somebody else's only when it is idle.
    if (own ? one.peer != peer : idle < idle_after) continue;
    if (!one.pack.files.empty() && idle < forsaken_after) continue;
    if (yielding == nullptr || before(one, *yielding)) yielding = delivery;
  }
  if (yielding == nullptr)
    return own ? fail(Kind::too_many, "this address has too many unfinished deliveries in this space")
               : fail(Kind::no_room_now, "this space has too many unfinished deliveries; try again in a minute");
  return take(live, std::move(yielding));
}

std::optional<Yielding> find_forsaken(const SpaceLock&, LiveSpace& live, Steady now) {
  const IdSet used = in_use(live);
  DeliveryPtr forsaken;
  for (const auto& [id, delivery] : live.open) {
    const LiveDelivery& one = *delivery;
    if (!may_go(one, used) || one.pack.files.empty() || now - one.last_used < forsaken_after) continue;
    if (forsaken == nullptr || one.last_used < forsaken->last_used) forsaken = delivery;
  }
  if (forsaken == nullptr) return std::nullopt;
  return take(live, std::move(forsaken));
}

bool fits_now(const SpaceLock&, const LiveSpace& live, const Use& wish) {
  return fits(live, wish, {});
}

bool fits_without_others(const SpaceLock&, const LiveSpace& live, const Id& delivery, const Use& wish) {
  Use held;
  for (const auto& [id, other] : live.open) {
    if (id == delivery) continue;
    held.bytes += other->pack.end;
    for (const auto& [name, file] : other->pack.files) held.weight += weight_of(name);
  }
  return held != Use{} && fits(live, wish, held);  // else they are not what is in its way
}

}  // namespace qrx::space
