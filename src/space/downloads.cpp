#include "space/downloads.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace qrx::space {
namespace {

// Files of one transfer that are recorded in one transaction: other changes wait meanwhile.
constexpr std::size_t files_at_once = 500;

}  // namespace

tl::unexpected<Error> no_such_link() {
  return fail(Kind::not_found, "no such link");
}

Result<ShareRow> Downloads::row_of(std::string_view link) const {
  // Links are typed and read aloud too: case does not matter. The catalog finds them by a hash, so whoever reads it
  // cannot use them.
  const auto token = Token::parse(to_lower_ascii(link));
  if (!token) return no_such_link();
  auto row = context_.catalog.share_of_link(sha256(as_bytes(token->text())));
  if (!row) return tl::unexpected(row.error());
  if (!*row) return no_such_link();
  return std::move(**row);
}

// Every use of a link comes through here. That it existed is told only to those who have it: it cannot be guessed.
Result<Downloads::Found> Downloads::find(std::string_view link) {
  auto row = row_of(link);
  if (!row) return tl::unexpected(row.error());
  if (row->revoked) return fail(Kind::gone, "this link was revoked");
  auto space = registry_.enter_by_token(row->guid);
  if (!space && space.error().kind == Kind::gone) return fail(Kind::gone, "this link has expired");
  if (!space && space.error().kind == Kind::not_found) return no_such_link();
  if (!space) return tl::unexpected(space.error());
  const WallTime expires = end_of(*row, **space);
  if (expires <= context_.clock.wall()) return fail(Kind::gone, "this link has expired");
  return Found{std::move(*row), std::move(*space), expires};
}

std::uint64_t Downloads::files_held(std::string_view link) {
  const auto found = find(link);
  if (!found) return 0;
  const SpaceLock lock(*found->space);
  return found->space->files_held();
}

LinkEnd Downloads::why_gone(std::string_view link) {
  const auto row = row_of(link);
  if (!row) return LinkEnd::none;
  if (row->revoked) return LinkEnd::revoked;
  const auto found = find(link);
  if (!found) return found.error().kind == Kind::gone ? LinkEnd::expired : LinkEnd::none;
  if (row->limit == 0) return LinkEnd::none;
  const auto files = context_.catalog.committed_files(row->guid);
  if (!files) return LinkEnd::none;
  const auto more = left(*row, *files);
  return !more && more.error().kind == Kind::gone ? LinkEnd::used_up : LinkEnd::none;
}

// The limit is of each file; a link is used up when the least taken one has reached it. As long as a file was not taken
// at all (`files_taken`), that is 0, without asking for the rows of all files.
Result<std::uint64_t> Downloads::left(const ShareRow& row, std::uint64_t files) const {
  if (row.limit == 0) return 0;
  std::uint64_t least = 0;
  if (files > 0 && row.files_taken >= files) {
    const auto taken = context_.catalog.least_taken(row.share);
    if (!taken) return tl::unexpected(taken.error());
    least = *taken;
  }
  if (least >= row.limit) return used_up();
  return row.limit - least;
}

Result<void> Downloads::check_open(const ShareRow& row) const {
  if (row.limit == 0) return {};
  const auto files = context_.catalog.committed_files(row.guid);
  if (!files) return tl::unexpected(files.error());
  const auto more = left(row, *files);
  return more ? Result<void>{} : tl::unexpected(more.error());
}

LiveSharePtr Downloads::live(const Found& of) {
  const ShareRow& row = of.row;
  const std::lock_guard lock(lives_mutex_);
  // Ended transfers leave an empty entry. Looking for them only when the number has doubled costs each entry a
  // constant.
  if (lives_.size() >= prune_at_) {
    std::erase_if(lives_, [](const auto& entry) { return entry.second.expired(); });
    prune_at_ = std::max<std::size_t>(64, lives_.size() * 2);
  }
  auto& known = lives_[row.share];
  if (auto found = known.lock()) return found;
  auto made = std::make_shared<LiveShare>(row, blocked_of(of.space));
  made->files_taken = row.files_taken;
  known = made;
  return made;
}

// Under the lock of the table: a transfer that is about to begin is in it, or finds the revocation itself (begin_legs
// in shares.cpp looks again after it is in).
void Downloads::cut(const Id& share) {
  const std::lock_guard lock(lives_mutex_);
  if (const auto known = lives_.find(share); known != lives_.end())
    if (const auto found = known->second.lock()) found->cut = true;
}

Result<void> Downloads::mark_opened(const Found& found) {
  if (found.row.progress != Progress::none) return {};
  bool changed = false;
  auto done = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    changed = false;
    auto row = transaction.share(found.row.share);
    if (!row || row->progress != Progress::none) return {};
    row->progress = Progress::opened;
    add_event(*row, wire::ShareState::opened, context_.clock.wall(), {});
    transaction.put_share(*row);
    changed = true;
    return {};
  });
  if (done && changed) versions_.changed(*found.space);
  return done;
}

// One node counts in memory: the rows have what ended, `files` adds what is on its way. With many nodes that stands in
// the catalog, where all see it.
Result<void> Downloads::begin_transfer(LiveShare& live, const std::vector<TransferLeg>& legs) {
  if (live.limit == 0) return {};
  if (context_.policy.shared) return begin_leases(live, legs);
  const std::lock_guard lock(live.mutex);
  std::size_t begun = 0;
  const auto admitted = [&]() -> Result<void> {
    for (const TransferLeg& leg : legs) {
      auto known = live.files.find(leg.file);
      if (known == live.files.end()) {
        // Nothing of this file is on its way, and what was has left `files` under this mutex, after it was recorded:
        // the row has all of it.
        auto row = context_.catalog.share_file(live.share, leg.file);
        if (!row) return tl::unexpected(row.error());
        known =
            live.files
                .emplace(leg.file, LiveShare::File{*row ? Parts::parse((*row)->parts, leg.size) : Parts(leg.size), {}})
                .first;
      }
      LiveShare::File& file = known->second;
      const auto allowed = admit(file.taken, file.on_their_way, leg, limit_of(leg, live.limit));
      // Also one that is refused, so that the loop below takes all of them back alike.
      file.on_their_way.push_back(leg);
      ++begun;
      if (!allowed) return allowed;
    }
    return {};
  }();
  if (admitted) return {};
  for (std::size_t at = 0; at < begun; ++at) {
    const auto file = live.files.find(legs[at].file);
    file->second.on_their_way.pop_back();  // ours: the mutex is held since it was added
    if (file->second.on_their_way.empty()) live.files.erase(file);
  }
  return admitted;
}

namespace {

// Of this node, with so much of its beginning as is not recorded yet.
std::optional<TransferLease> lease_of(LiveShare& live, const TransferLeg& leg) {
  const std::lock_guard lock(live.mutex);
  const auto ours = std::find_if(live.leases.begin(), live.leases.end(), [&](const TransferLease& one) {
    return one.file == leg.file && one.first + one.bytes == leg.first + leg.bytes;
  });
  return ours == live.leases.end() ? std::nullopt : std::optional(*ours);
}

}  // namespace

// Reading what others have and adding one's own is one transaction, and works about one space run one after another:
// two nodes cannot both take the last download. Lazy: a power cut of the database costs one download more, at worst.
Result<void> Downloads::begin_leases(LiveShare& live, const std::vector<TransferLeg>& legs) {
  std::vector<TransferLease> leases;
  auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    leases.clear();
    const WallTime now = context_.clock.wall();
    const auto row = transaction.share(live.share);
    if (!row) return no_such_link();
    if (row->revoked) return fail(Kind::gone, "this link was revoked");
    for (const TransferLeg& leg : legs) {
      const auto known = transaction.share_file(live.share, leg.file);
      std::list<TransferLeg> others;
      for (const TransferLease& other : transaction.leases(live.share, leg.file, now))
        others.push_back({leg.file, leg.size, other.first, other.bytes});
      const Parts taken = known ? Parts::parse(known->parts, leg.size) : Parts(leg.size);
      if (auto allowed = admit(taken, others, leg, limit_of(leg, live.limit)); !allowed) return allowed;
      leases.push_back(
          {Id::random(), live.share, leg.file, context_.node, leg.first, leg.bytes, now + context_.policy.lease_life});
      transaction.put_lease(leases.back());
    }
    return {};
  });
  if (!changed) return changed;
  const std::lock_guard lock(live.mutex);
  live.leases.insert(live.leases.end(), leases.begin(), leases.end());
  return {};
}

std::vector<TransferLease> Downloads::take_leases(LiveShare& live, const std::vector<TransferLeg>& legs) {
  std::vector<TransferLease> over;
  const std::lock_guard lock(live.mutex);
  for (const TransferLeg& leg : legs) {
    const auto ours = std::find_if(live.leases.begin(), live.leases.end(), [&](const TransferLease& one) {
      // One that was recorded ahead has become shorter at its beginning.
      return one.file == leg.file && one.first >= leg.first && one.first + one.bytes == leg.first + leg.bytes;
    });
    if (ours == live.leases.end()) continue;
    over.push_back(*ours);
    live.leases.erase(ours);
  }
  return over;
}

void Downloads::end_transfer(LiveShare& live, const std::vector<TransferLeg>& legs,
                             const std::vector<TransferLeg>& taken, std::uint64_t ahead) {
  // What was taken is recorded before the leg leaves `on_their_way` (or, of many nodes, with it): in between it counts
  // twice, which refuses somebody for a moment. The other way round it would count for nothing, and one too many could
  // begin.
  const auto over = take_leases(live, legs);
  const auto end_leases = [&] {
    return context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
      for (const TransferLease& lease : over) transaction.remove_lease(lease.lease);
      return {};
    });
  };
  if (!taken.empty())
    // A failure loses a count, never a download: the bytes have gone out.
    (void)record(live, taken, ahead, over);
  else if (!over.empty())
    (void)end_leases();
  if (live.limit == 0) return;
  const std::lock_guard lock(live.mutex);
  for (const TransferLeg& leg : taken)
    if (const auto file = live.files.find(leg.file); file != live.files.end()) add(file->second.taken, leg);
  for (const TransferLeg& leg : legs) {
    const auto file = live.files.find(leg.file);
    if (file == live.files.end()) continue;
    auto& on_their_way = file->second.on_their_way;
    const auto ours = std::find_if(on_their_way.begin(), on_their_way.end(), [&](const TransferLeg& one) {
      return one.first == leg.first && one.bytes == leg.bytes;
    });
    if (ours != on_their_way.end()) on_their_way.erase(ours);
    if (on_their_way.empty()) live.files.erase(file);
  }
}

// Written before the bytes go out: after a kill, ranges are recorded that the client may not have, never the other way
// round. Otherwise who resumes would leave a gap, and the file would never count as taken.
Result<void> Downloads::record_ahead(LiveShare& live, const TransferLeg& leg, std::uint64_t from, std::uint64_t until) {
  std::optional<TransferLease> shorter;  // what is recorded is no longer on its way
  auto changed = context_.catalog.change(Durability::lazy, [&](Transaction& transaction) -> Result<void> {
    const auto row = transaction.share(live.share);
    if (!row) return no_such_share();
    // A long transfer comes by here regularly, which is how this node hears of it.
    if (row->revoked) live.cut = true;  // by another node
    shorter = lease_of(live, leg);
    if (shorter) {
      shorter->bytes -= leg.first + until - shorter->first;
      shorter->first = leg.first + until;
      transaction.put_lease(*shorter);
    }
    auto file = transaction.share_file(live.share, leg.file);
    if (!file) file = ShareFileRow{live.share, leg.file, live.guid, 0, {}};
    Parts parts = Parts::parse(file->parts, leg.size);
    parts.add(leg.first + from, until - from);
    file->parts = parts.text();
    transaction.put_share_file(*file);
    return {};
  });
  if (!changed || !shorter) return changed;
  const std::lock_guard lock(live.mutex);
  for (TransferLease& lease : live.leases)
    if (lease.lease == shorter->lease) lease = *shorter;
  return {};
}

Result<void> Downloads::record(LiveShare& live, const std::vector<TransferLeg>& taken, std::uint64_t ahead,
                               const std::vector<TransferLease>& leases) {
  // Before the transaction, which must not read the whole space.
  const auto held_now = book_.files_held(live.guid, live.since, live.files_taken + taken.size());
  if (!held_now) return tl::unexpected(held_now.error());
  bool changed = false;
  bool counted = false;
  for (std::size_t begin = 0; begin < taken.size(); begin += files_at_once) {
    const std::size_t end = std::min(taken.size(), begin + files_at_once);
    std::uint64_t files_taken = 0;
    bool shows = false;
    bool counts = false;
    auto done = context_.catalog.change(
        // What a limit counts must survive power loss, or it could be reset by one. Other counts are for show.
        live.limit > 0 ? context_.durability() : Durability::lazy, [&](Transaction& transaction) -> Result<void> {
          shows = counts = false;
          if (end == taken.size())
            for (const TransferLease& lease : leases) transaction.remove_lease(lease.lease);
          auto row = transaction.share(live.share);
          if (!row) return no_such_share();  // gone with its space
          for (std::size_t at = begin; at < end; ++at)
            counts = count_leg(transaction, *row, taken[at], ahead) || counts;
          files_taken = row->files_taken;
          if (row->progress != Progress::downloaded && files_taken > 0 && files_taken >= *held_now) {
            row->progress = Progress::downloaded;
            add_event(*row, wire::ShareState::downloaded, context_.clock.wall(), {});
            shows = true;
          }
          if (shows || counts) transaction.put_share(*row);
          return {};
        });
    if (!done) return done;
    live.files_taken = files_taken;
    changed = changed || shows;
    counted = counted || counts;
  }
  // The owner sees how often everything was taken: the space moves only when that number does.
  if (counted && live.files_taken >= *held_now)
    if (const auto least = context_.catalog.least_taken(live.share);
        least && live.shown_least.exchange(*least) != *least) {
      changed = true;
      sent_.forget(live.share);
    }
  if (!changed) return {};
  if (auto space = registry_.find(live.guid); space && *space != nullptr) versions_.changed(**space);
  return {};
}

void Downloads::cut_limited() {
  const std::lock_guard lock(lives_mutex_);
  for (const auto& [id, weak] : lives_)
    if (const LiveSharePtr live = weak.lock(); live != nullptr && live->limit > 0) live->cut = true;
}

std::optional<wire::Fetching> Downloads::fetching(const ShareRow& row) {
  LiveSharePtr live;
  {
    const std::lock_guard lock(lives_mutex_);
    if (const auto known = lives_.find(row.share); known != lives_.end()) live = known->second.lock();
  }
  const auto before = sent_.of(row.share);
  if (row.revoked || ((!live || live->transfers == 0) && !before)) return std::nullopt;
  const auto total = book_.bytes_held(row.guid);
  if (!total) return std::nullopt;
  // Several at once are more than everything.
  return wire::Fetching{std::min(before.value_or(0) + (live ? live->sent.load() : 0), *total), *total};
}

// `in_doubt_` lets every other request skip the table: nearly always nothing is in doubt.
void Downloads::begin_doubt(LiveShare& live) {
  ++live.in_doubt;
  ++in_doubt_;
}

void Downloads::end_doubt(LiveShare& live) {
  --live.in_doubt;
  --in_doubt_;
  context_.events.space_changed(live.guid);
}

bool Downloads::in_doubt(const Guid& guid) const {
  if (in_doubt_ == 0) return false;
  const std::lock_guard lock(lives_mutex_);
  return std::any_of(lives_.begin(), lives_.end(), [&](const auto& entry) {
    const auto live = entry.second.lock();
    return live && live->guid == guid && live->in_doubt > 0;
  });
}

std::optional<Guid> Downloads::in_doubt(std::string_view link) {
  if (in_doubt_ == 0) return std::nullopt;
  const auto found = find(link);
  if (!found) return std::nullopt;
  const std::lock_guard lock(lives_mutex_);
  const auto known = lives_.find(found->row.share);
  const auto live = known == lives_.end() ? nullptr : known->second.lock();
  return live && live->limit > 0 && live->in_doubt > 0 ? std::optional(live->guid) : std::nullopt;
}

}  // namespace qrx::space
