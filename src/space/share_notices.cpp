#include "space/share_notices.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_set>
#include <utility>
#include <vector>

#include "space/share_text.h"

namespace qrx::space {
namespace {

using wire::Channel;
using wire::ShareState;

// Days of UTC since 1970: a limit begins anew at midnight there.
std::uint64_t day_of(WallTime time) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::duration_cast<Seconds>(time.time_since_epoch()).count() / 86400));
}

std::string in_words(Channel channel) {
  switch (channel) {
    case Channel::mail:
      return "e-mail";
    case Channel::sms:
      return "SMS";
    default:
      return std::string(to_text(channel)) + " notices";
  }
}

// The name of its table in the configuration.
std::string transport_of(const wire::Recipient& to) {
  const std::string channel(to_text(to.channel));
  return to.channel == Channel::exec ? channel + "." + to.address.substr(0, to.address.find(':')) : channel;
}

std::uint64_t limit_of(const std::map<std::string, std::uint64_t>& limits, const std::string& name,
                       std::uint64_t otherwise) {
  const auto found = limits.find(name);
  return found == limits.end() ? otherwise : found->second;
}

// One limit that a notice counts against.
struct Budget {
  std::string name;  // of the count
  std::uint64_t most;
  std::string reason;
};

}  // namespace

struct ShareNotices::Taken {
  std::optional<NoticeRow> notice;
  std::optional<ShareRow> row;
  std::optional<SpaceHead> head;  // there when both are
  bool expired = false;           // the link
};

// Whoever may create spaces can make this server write to strangers. So all limits are looked at before any is counted
// up, in the transaction that queues the notice: a notice that is refused uses up nothing.
void ShareNotices::queue(Transaction& transaction, ShareRow& row, const wire::Recipient& to, const std::string& token,
                         const std::string& key) {
  if ((transports & 1U << static_cast<unsigned>(to.channel)) == 0)
    return book_.set_notice(row, ShareState::failed, "this server sends no " + in_words(to.channel));
  const WallTime now = context_.clock.wall();
  const std::uint64_t day = day_of(now);
  const std::string tomorrow = " today; try again tomorrow";
  const std::string transport = transport_of(to);
  const auto begins_number = [&](const std::string& country) {
    return std::string_view(to.address).substr(1).starts_with(country);
  };
  // Messages to expensive numbers abroad, whose owner gets a share, are a known fraud: the operator may name the
  // countries.
  if (to.channel == Channel::sms && !policy_.countries.empty() &&
      std::none_of(policy_.countries.begin(), policy_.countries.end(), begins_number))
    return book_.set_notice(row, ShareState::failed, "this server sends no SMS to this country");
  std::vector<Budget> budgets = {{"all", policy_.notices_a_day, "this server sends no more notices" + tomorrow},
                                 {"space " + row.guid.text(), policy_.notices_a_space,
                                  "this server sends no more notices for this space" + tomorrow},
                                 // Counted by its hash: the count may outlive the space and its shares.
                                 {"to " + to_hex(sha256(as_bytes(row.to))),
                                  limit_of(policy_.notices_a_recipient_by, transport, policy_.notices_a_recipient),
                                  "this server sends no more notices to this recipient" + tomorrow},
                                 {"transport " + transport, limit_of(policy_.notices_a_transport, transport, 0),
                                  "this server sends no more " + in_words(to.channel) + tomorrow}};
  if (to.channel == Channel::sms)
    budgets.push_back({"country " + country_of(to.address), policy_.notices_a_country,
                       "this server sends no more SMS to this country" + tomorrow});
  for (const Budget& budget : budgets)
    if (budget.most > 0 && transaction.count(day, budget.name, 0) >= budget.most)
      return book_.set_notice(row, ShareState::failed, budget.reason);
  for (const Budget& budget : budgets) transaction.count(day, budget.name, 1);

  NoticeRow notice;
  notice.share = row.share;
  notice.guid = row.guid;
  notice.transport = transport;
  notice.token = token;
  notice.key = key;
  notice.created = notice.due = now;
  transaction.put_notice(notice);
  book_.set_notice(row, ShareState::queued, {});
}

// Claimed and not ended: the process died around the sending. Sending again might tell them twice, so the owner
// decides.
Result<std::uint64_t> ShareNotices::recover() {
  auto claimed = context_.catalog.claimed_notices();
  if (!claimed) return tl::unexpected(claimed.error());
  for (const NoticeRow& notice : *claimed) {
    auto ended = conclude(notice.share, {ShareState::unknown, "the server ended while it was being sent", {}});
    if (!ended) return tl::unexpected(ended.error());
  }
  return claimed->size();
}

// Durably marked as claimed before anything is sent: a crash after the sending then leaves "unknown", not a second
// notice.
Result<ShareNotices::Taken> ShareNotices::take(const Id& share, LiveSpace& live, WallTime now) {
  Taken taken;
  const SharedGate gate(live);
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    taken = {};
    auto notice = transaction.notice(share);
    auto row = transaction.share(share);
    // Another thread or node was first.
    if (!notice || notice->claimed) return {};
    // Revoked, or told by its owner in another way meanwhile.
    if (!row || row->revoked || row->notice == ShareState::sent) {
      transaction.remove_notice(share);
      return {};
    }
    {
      const SpaceLock lock(live);
      if (live.row.phase == Phase::dying) return {};
    }
    taken.expired = row->expires && *row->expires <= now;
    if (taken.expired) return {};
    notice->claimed = true;
    ++notice->attempts;
    transaction.put_notice(*notice);
    book_.set_notice(*row, ShareState::sending, {});
    transaction.put_share(*row);
    taken.notice = std::move(notice);
    taken.row = std::move(row);
    return versions_.advance(live, transaction, taken.head);
  });
  if (!changed) return tl::unexpected(changed.error());
  return taken;
}

// Read outside of the transaction: what the space holds may be a moment newer than the claim, which harms nobody.
NoticeClaim ShareNotices::claim_of(Taken taken, LiveSpace& live) {
  NoticeClaim claim;
  claim.notice = std::move(*taken.notice);
  claim.to = taken.row->to;
  claim.message = taken.row->message;
  claim.expires = end_of(*taken.row, live);
  const auto state = context_.catalog.space(taken.row->guid);
  if (!state || *state == nullptr) return claim;
  claim.label = (*state)->space.label;
  std::unordered_set<Id, IdHash> committed;
  for (const DeliveryRow& delivery : (*state)->deliveries)
    if (delivery.committed) committed.insert(delivery.delivery);
  for (const FileRow& file : (*state)->files) {
    if (!committed.contains(file.delivery) || file.name == wire::manifest_name) continue;
    ++claim.files;
    claim.bytes += file.size;
  }
  return claim;
}

Result<NextNotice> ShareNotices::claim(const std::string& busy) {
  for (;;) {
    auto found = context_.catalog.next_notice(busy);
    if (!found) return tl::unexpected(found.error());
    NextNotice next;
    if (!*found) return next;
    const Id share = (*found)->share;
    const WallTime now = context_.clock.wall();
    // A clock that was set back must not hold a notice longer than it was to wait.
    if ((*found)->due > now && (*found)->due - now < policy_.give_up) {
      next.due = (*found)->due;
      return next;
    }
    auto space = registry_.enter((*found)->guid);
    if (!space && space.error().kind != Kind::not_found) return tl::unexpected(space.error());
    if (!space) {  // it goes with its space, soon; nobody is told of a link that leads nowhere
      if (auto ended = conclude(share, {ShareState::failed, "this space no longer exists", {}}); !ended)
        return tl::unexpected(ended.error());
      continue;
    }
    LiveSpace& live = **space;
    auto taken = take(share, live, now);
    if (!taken) return tl::unexpected(taken.error());
    if (taken->expired)
      if (auto done = conclude(share, {ShareState::failed, "the link has expired", {}}); !done)
        return tl::unexpected(done.error());
    if (!taken->head) continue;
    versions_.publish(live, taken->head);
    next.claim = claim_of(std::move(*taken), live);
    return next;
  }
}

// As it was said; but what would be tried again after policy.give_up, or after its link or space ends, has failed.
NoticeEnding ShareNotices::ending_of(NoticeEnding said, const NoticeRow& notice, const ShareRow& row,
                                     LiveSpace* live) const {
  if (said.state != ShareState::queued) return said;
  WallTime last = notice.created + policy_.give_up;
  if (row.expires) last = std::min(last, *row.expires);
  if (live != nullptr) {
    const SpaceLock lock(*live);
    last = std::min(last, live->row.expires);
  }
  if (said.retry_at >= last || row.revoked) {
    said.state = ShareState::failed;
    said.reason = "given up after " + std::to_string(notice.attempts) + (notice.attempts == 1 ? " try: " : " tries: ") +
                  said.reason;
  }
  return said;
}

// The end of a claim, or its next try.
Result<void> ShareNotices::conclude(const Id& share, const NoticeEnding& ending) {
  auto known = context_.catalog.share(share);
  if (!known) return tl::unexpected(known.error());
  auto space = *known ? registry_.find((*known)->guid) : Result<LivePtr>(LivePtr());
  if (!space) return tl::unexpected(space.error());
  std::optional<SharedGate> gate;  // so that no row comes back of a space that is being deleted
  if (*space != nullptr) gate.emplace(**space);
  std::optional<SpaceHead> head;
  auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
    head.reset();
    auto notice = transaction.notice(share);
    auto row = transaction.share(share);
    if (!notice) return {};
    if (!row) {
      transaction.remove_notice(share);
      return {};
    }
    const NoticeEnding end = ending_of(ending, *notice, *row, space->get());
    if (end.state == ShareState::queued) {
      notice->claimed = false;
      notice->due = end.retry_at;
      transaction.put_notice(*notice);
    } else {
      transaction.remove_notice(share);
      unpurged = true;
    }
    book_.set_notice(*row, end.state, end.reason);
    transaction.put_share(*row);
    if (*space == nullptr) return {};
    {
      const SpaceLock lock(*(*space));
      if ((*space)->row.phase == Phase::dying) return {};
    }
    return versions_.advance(**space, transaction, head);
  });
  if (changed && *space != nullptr) versions_.publish(**space, head);
  return changed;
}

Result<void> ShareNotices::end_stale_claims() {
  // Of nodes that have ended; with one node alone, its start has done that.
  if (context_.policy.shared)
    if (auto ended = recover(); !ended) return tl::unexpected(ended.error());
  const WallTime before = context_.clock.wall() - policy_.claim_lives;
  auto stale = context_.catalog.claims_before(before);
  if (!stale) return tl::unexpected(stale.error());
  for (const Id& share : *stale) {
    auto known = context_.catalog.share(share);
    if (!known) return tl::unexpected(known.error());
    if (!*known) continue;
    auto space = registry_.find((*known)->guid);
    if (!space) return tl::unexpected(space.error());
    if (*space == nullptr) continue;
    const SharedGate gate(*(*space));
    std::optional<SpaceHead> head;
    auto changed = context_.catalog.change(context_.durability(), [&](Transaction& transaction) -> Result<void> {
      head.reset();
      auto row = transaction.share(share);
      // The server's own claims end by themselves.
      if (!row || row->notice != ShareState::sending || row->noticed >= before || transaction.notice(share)) return {};
      book_.set_notice(*row, ShareState::unknown, "its sender never reported the result");
      transaction.put_share(*row);
      return versions_.advance(**space, transaction, head);
    });
    if (!changed) return changed;
    versions_.publish(**space, head);
  }
  return {};
}

Result<void> ShareNotices::purge() {
  // Before the work: a notice that ends meanwhile sets it again and is purged next time.
  if (!unpurged.exchange(false)) return {};
  return context_.catalog.purge();
}

}  // namespace qrx::space
