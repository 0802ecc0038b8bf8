#include "space/registry.h"

#include <algorithm>
#include <optional>

namespace qrx::space {
namespace {

// Idle spaces kept in memory, about a kilobyte each.
constexpr std::size_t most_lives = 16'384;

// Another node goes on with an upload that is locked here, or has ended it: what is here finds out by itself, and is no
// longer what the space shows.
bool is_another_s(const LiveUpload& upload, const UploadRow* row, const Id& node) {
  return upload.locked && (row == nullptr || (row->epoch != upload.row.epoch && row->holder != node));
}

// Runs before compare(), which leaves locked uploads alone. The writer here keeps its own reference, and ends at its
// next step.
void let_go_of_stale(const Context& context, Quotas& quotas, const SpaceLock& lock, LiveSpace& live,
                     const SpaceState& state) {
  std::unordered_map<Id, const UploadRow*, IdHash> rows;
  for (const UploadRow& row : state.uploads) rows.emplace(row.upload, &row);
  const auto is_file = [&](const Id& id) {
    return std::any_of(state.files.begin(), state.files.end(), [&](const FileRow& file) { return file.file == id; });
  };
  for (auto at = live.uploads.begin(); at != live.uploads.end();) {
    const auto row = rows.find(at->first);
    if (!is_another_s(*at->second, row == rows.end() ? nullptr : row->second, context.node)) {
      ++at;
      continue;
    }
    LiveUpload& stale = *at->second;
    const bool whole = row == rows.end() && is_file(at->first);
    stale.removed = true;  // whoever is at it counts nothing any more
    stale.stop = row != rows.end() || whole ? StopReason::newcomer : StopReason::removed;
    stale.growing->growth = whole ? Content::Growth::complete : Content::Growth::ended;
    quotas.withdraw(lock, live, stale);
    live.empty.erase(stale.number);
    at = live.uploads.erase(at);
  }
}

}  // namespace

// The catalog is asked without the lock of the table, which all requests need. `forgotten_` tells whether a space was
// deleted in between: what was read of it then is old, and would bring it back.
Result<LivePtr> Registry::find(const Guid& guid) {
  for (;;) {
    std::uint64_t forgotten_before = 0;
    LivePtr known;
    {
      const std::lock_guard lock(mutex_);
      if (const auto found = lives_.find(guid); found != lives_.end()) {
        if (!context_.policy.shared) return found->second;
        known = found->second;
      }
      forgotten_before = forgotten_;
    }
    if (known != nullptr) return up_to_date(std::move(known));
    auto state = context_.catalog.space(guid);
    if (!state) return tl::unexpected(state.error());
    if (*state == nullptr) return LivePtr();
    const std::lock_guard lock(mutex_);
    // Another thread has brought it meanwhile: there must be one LiveSpace of each space, for it has the locks.
    if (const auto found = lives_.find(guid); found != lives_.end()) return found->second;
    if (forgotten_ != forgotten_before) continue;
    make_room();
    return lives_.emplace(guid, to_live(**state, context_.clock.steady(), context_.text_memory)).first->second;
  }
}

Result<LivePtr> Registry::up_to_date(LivePtr live) {
  const Guid guid = live->row.guid;
  const auto seq = context_.catalog.seq(guid);
  if (!seq) return tl::unexpected(seq.error());
  // One row, by its primary key: the whole space is read only when its version has moved.
  if (*seq && **seq == live->compared) return live;
  std::optional<SpaceLock> lock_until_end;
  auto state = context_.catalog.space(guid);
  for (; state; state = context_.catalog.space(guid)) {
    lock_until_end.emplace(*live);
    // Another thread was faster, with a later state: this one would take back what it has brought.
    if (*state == nullptr || (*state)->space.seq >= live->row.seq) break;
    lock_until_end.reset();
  }
  if (!state) return tl::unexpected(state.error());
  const SpaceLock& lock = *lock_until_end;
  if (*state != nullptr) {
    let_go_of_stale(context_, quotas_, lock, *live, **state);
    for (const UploadPtr& gone : compare(lock, *live, **state, context_.clock.steady()))
      quotas_.withdraw(lock, *live, *gone);
    return live;
  }
  live->row.phase = Phase::dying;
  for (const auto& [id, upload] : live->uploads) {
    upload->removed = true;
    upload->stop = StopReason::removed;
    upload->growing->growth = Content::Growth::ended;
    quotas_.withdraw(lock, *live, *upload);
  }
  forget(guid);
  return LivePtr();
}

// A quarter goes at a time, so that a full table is not searched for every space. What is busy stays, even above the
// number.
void Registry::make_room() {
  if (lives_.size() < most_lives) return;
  ++forgotten_;
  for (auto at = lives_.begin(); at != lives_.end() && lives_.size() > most_lives * 3 / 4;)
    at = at->second.use_count() == 1 && at->second->idle() ? lives_.erase(at) : std::next(at);
}

void Registry::forget(const Guid& guid) {
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  lives_.erase(guid);
}

std::vector<LivePtr> Registry::all() {
  const std::lock_guard lock(mutex_);
  std::vector<LivePtr> all;
  all.reserve(lives_.size());
  for (const auto& [guid, live] : lives_) all.push_back(live);
  return all;
}

bool Registry::expired(const SpaceLock&, const LiveSpace& live) const {
  return live.row.expires <= context_.clock.wall();
}

Result<void> Registry::still_open(const SpaceLock& lock, const LiveSpace& live) const {
  if (live.row.phase == Phase::dying) return no_such_space();
  // Who has only the drop link hears of neither (enter(guid) makes them not_found): a guid alone does not tell that
  // something was there.
  if (live.row.phase == Phase::blocked) return fail(Kind::gone, "this space was blocked by the operator of the server");
  if (expired(lock, live)) return fail(Kind::gone, "this space has expired");
  return {};
}

Result<LivePtr> Registry::enter(const Guid& guid) {
  auto live = enter_by_token(guid);
  if (!live && live.error().kind == Kind::gone) return no_such_space();
  return live;
}

Result<LivePtr> Registry::enter_by_token(const Guid& guid) {
  auto live = find(guid);
  if (!live) return live;
  if (*live == nullptr) return no_such_space();
  const SpaceLock lock(**live);
  if (auto open = still_open(lock, **live); !open) return tl::unexpected(open.error());
  return live;
}

Result<LivePtr> Registry::enter(const Guid& guid, std::string_view token) {
  // Hashed before the space is looked up, so that both cases do the same work.
  const Sha256Sum given = sha256(as_bytes(token));
  auto live = find(guid);
  if (!live) return live;
  Sha256Sum wanted{};                                      // no text is known to have this sum
  if (*live != nullptr) wanted = (*live)->row.owner_hash;  // never changes
  // In constant time, or the hash could be found byte by byte from the time that answers take.
  if (!equal_constant_time(as_bytes(given), as_bytes(wanted)) || *live == nullptr) {
    // An unknown space costs a look into the catalog; so must a wrong token.
    if (*live != nullptr)
      if (auto missed = context_.catalog.space(Id::random()); !missed) return tl::unexpected(missed.error());
    return no_such_space();
  }
  const SpaceLock lock(**live);
  if (auto open = still_open(lock, **live); !open) return tl::unexpected(open.error());
  return live;
}

Result<DeliveryPtr> Registry::open_delivery(const SpaceLock& lock, const LiveSpace& live, const Id& delivery) const {
  if (auto open = still_open(lock, live); !open) return tl::unexpected(open.error());
  const auto found = live.open.find(delivery);
  if (found == live.open.end() || found->second->implicit) return no_such_delivery();
  return found->second;
}

}  // namespace qrx::space
