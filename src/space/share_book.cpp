#include "space/share_book.h"

#include <algorithm>
#include <unordered_set>

#include "space/share_text.h"

namespace qrx::space {
namespace {

using wire::ShareState;

// Events kept of one share. A notice that is tried for a day has many.
constexpr std::size_t most_events = 40;

}  // namespace

tl::unexpected<Error> no_such_share() {
  return fail(Kind::not_found, "no such share");
}

wire::ShareState state_of(const ShareRow& row) {
  if (row.revoked) return ShareState::revoked;
  if (row.progress == Progress::downloaded) return ShareState::downloaded;
  if (row.progress == Progress::opened) return ShareState::opened;
  return row.notice;
}

WallTime end_of(const ShareRow& row, LiveSpace& live) {
  const SpaceLock lock(live);
  return row.expires ? std::min(*row.expires, live.row.expires) : live.row.expires;
}

void add_event(ShareRow& row, ShareState state, WallTime now, std::string_view reason) {
  // The first event says when it began, and stays; the oldest try after it goes.
  if (row.history.size() >= most_events) row.history.erase(row.history.begin() + 1);
  row.history.push_back({state, now, one_line(reason)});
}

void ShareBook::set_notice(ShareRow& row, ShareState state, std::string_view reason) const {
  row.notice = state;
  row.noticed = context_.clock.wall();
  add_event(row, state, row.noticed, reason);
}

Result<std::uint64_t> ShareBook::files_held(const Guid& guid, WallTime since, std::uint64_t unless_over) {
  {
    const std::lock_guard lock(held_mutex_);
    if (const auto known = held_.find(guid);
        known != held_.end() && known->second.files > unless_over && known->second.counted >= since)
      return known->second.files;
  }
  return count(guid).map([](const Held& held) { return held.files; });
}

Result<std::uint64_t> ShareBook::bytes_held(const Guid& guid) {
  return count(guid).map([](const Held& held) { return held.bytes; });
}

Result<ShareBook::Held> ShareBook::count(const Guid& guid) {
  const WallTime now = context_.clock.wall();
  auto state = context_.catalog.space(guid);
  if (!state) return tl::unexpected(state.error());
  if (*state == nullptr) return no_such_space();
  const std::lock_guard lock(held_mutex_);
  // A cache: what is cleared is counted again.
  if (held_.size() > 10'000) held_.clear();
  Held& known = held_[guid];
  // The same copy of the space as last time (the catalog keeps it while nothing changes): so is the number.
  known.counted = now;
  if (known.state.lock() == *state) return known;
  std::unordered_set<Id, IdHash> committed;
  for (const DeliveryRow& delivery : (*state)->deliveries)
    if (delivery.committed) committed.insert(delivery.delivery);
  known.files = known.bytes = 0;
  for (const FileRow& file : (*state)->files) {
    if (!committed.contains(file.delivery)) continue;
    ++known.files;
    known.bytes += file.size;
  }
  known.state = *state;
  return known;
}

// The token is made again from the owner's: it is kept nowhere.
ShareView ShareBook::view(const ShareRow& row, WallTime expires, std::string_view token) {
  ShareView out;
  out.share = row.share;
  out.to = row.to;
  out.token = link_token(token, row.share);
  out.state = state_of(row);
  const auto of_state = [&](const wire::ShareEvent& event) { return event.state == out.state; };
  if (const auto last = std::find_if(row.history.rbegin(), row.history.rend(), of_state); last != row.history.rend())
    out.reason = last->reason;
  out.history = row.history;
  out.limit = row.limit;
  out.expires = expires;
  if (row.files_taken == 0) return out;
  const auto files = files_held(row.guid, row.created, row.files_taken);
  if (files && row.files_taken >= *files)
    if (const auto least = context_.catalog.least_taken(row.share)) out.downloads = *least;
  return out;
}

Result<ShareRow> ShareBook::owned(const Guid& guid, const Id& share) const {
  auto row = context_.catalog.share(share);
  if (!row) return tl::unexpected(row.error());
  if (!*row || (*row)->guid != guid) return no_such_share();
  return std::move(**row);
}

}  // namespace qrx::space
