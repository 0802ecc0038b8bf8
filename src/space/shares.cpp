#include "space/shares.h"

#include <algorithm>

#include "base/text.h"
#include "space/live_shares.h"
#include "space/share_text.h"

namespace qrx::space {
namespace {

using wire::ShareState;

// Rows per space, revoked ones too, for each recipient that a space may have.
constexpr std::uint64_t rows_a_recipient = 4;
// Events kept of one share. A notice that is tried for a day has many.
constexpr std::size_t most_events = 40;

struct Wish {
  wire::Recipient to;
  std::string text;
};

// Without repetitions, in order.
Result<std::vector<Wish>> read_recipients(const std::vector<std::string>& recipients) {
  std::vector<Wish> wishes;
  for (const std::string& text : recipients) {
    auto to = wire::parse_recipient(text);
    if (!to) return tl::unexpected(to.error());
    std::string written = wire::to_text(*to);
    // Written in two ways it is still one recipient, with one link.
    if (std::any_of(wishes.begin(), wishes.end(), [&](const Wish& one) { return one.text == written; })) continue;
    wishes.push_back({std::move(*to), std::move(written)});
  }
  if (wishes.empty()) return fail(Kind::usage, "there are no recipients");
  return wishes;
}

// Whether telling him (again) is called for.
bool is_to_be_told(const ShareRow& row, bool again) {
  if (row.progress != Progress::none) return false;
  return row.notice == ShareState::failed || (row.notice == ShareState::unknown && again);
}

}  // namespace

tl::unexpected<Error> no_such_share() {
  return fail(Kind::not_found, "no such share");
}

ShareState state_of(const ShareRow& row) {
  if (row.revoked) return ShareState::revoked;
  if (row.progress == Progress::downloaded) return ShareState::downloaded;
  if (row.progress == Progress::opened) return ShareState::opened;
  return row.notice;
}

WallTime ShareRules::ends(const ShareRow& row, LiveSpace& live) {
  const std::lock_guard lock(live.mutex);
  return row.expires ? std::min(*row.expires, live.row.expires) : live.row.expires;
}

void ShareRules::note(ShareRow& row, ShareState state, WallTime now, std::string_view reason) {
  if (row.history.size() >= most_events) row.history.erase(row.history.begin() + 1);
  row.history.push_back({state, now, one_line(reason)});
}

void ShareRules::set_notice(ShareRow& row, ShareState state, std::string_view reason) const {
  row.notice = state;
  row.noticed = rules.clock.wall();
  note(row, state, row.noticed, reason);
}

Result<std::uint64_t> ShareRules::files_held(const Guid& guid, std::uint64_t unless_over) {
  {
    // Committed files only become more while their space lives.
    const std::lock_guard lock(held_mutex);
    if (const auto known = held.find(guid); unless_over > 0 && known != held.end() && known->second.files > unless_over)
      return known->second.files;
  }
  auto state = rules.catalog.space(guid);
  if (!state) return tl::unexpected(state.error());
  if (*state == nullptr) return no_such_space();
  const std::lock_guard lock(held_mutex);
  if (held.size() > 10'000) held.clear();
  Held& known = held[guid];
  if (known.state.lock() == *state) return known.files;
  std::unordered_set<Id, IdHash> committed;
  for (const DeliveryRow& delivery : (*state)->deliveries)
    if (delivery.committed) committed.insert(delivery.delivery);
  known.files =
      static_cast<std::uint64_t>(std::count_if((*state)->files.begin(), (*state)->files.end(),
                                               [&](const FileRow& file) { return committed.contains(file.delivery); }));
  known.state = *state;
  return known.files;
}

wire::ShareInfo ShareRules::info(const ShareRow& row, WallTime expires, std::string_view token) {
  wire::ShareInfo out;
  out.share = row.share;
  out.to = row.to;
  out.link = link_token(token, row.share);
  out.state = state_of(row);
  const auto of_state = [&](const wire::ShareEvent& event) { return event.state == out.state; };
  if (const auto last = std::find_if(row.history.rbegin(), row.history.rend(), of_state); last != row.history.rend())
    out.reason = last->reason;
  out.history = row.history;
  out.limit = row.limit;
  out.expires = expires;
  if (row.files_taken == 0) return out;
  const auto files = files_held(row.guid, row.files_taken);
  if (files && row.files_taken >= *files)
    if (const auto least = rules.catalog.least_taken(row.share)) out.downloads = *least;
  return out;
}

Result<ShareRow> ShareRules::owned(const Guid& guid, const Id& share) const {
  auto row = rules.catalog.share(share);
  if (!row) return tl::unexpected(row.error());
  if (!*row || (*row)->guid != guid) return no_such_share();
  return std::move(**row);
}

Shares::Shares(Spaces& spaces, SharePolicy policy)
    : rules_(std::make_unique<ShareRules>(*spaces.impl_, std::move(policy))) {}
Shares::~Shares() = default;

const SharePolicy& Shares::policy() const {
  return rules_->policy;
}
void Shares::set_transports(std::uint32_t channels) {
  rules_->transports = channels;
}
void Shares::on_notice(std::function<void()> tell) {
  rules_->tell = std::move(tell);
}

Result<Shares::Created> Shares::create(const Guid& guid, std::string_view token, const wire::CreateShares& wish) {
  Rules& rules = rules_->rules;
  auto entered = rules.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const auto wishes = read_recipients(wish.recipients);
  if (!wishes) return tl::unexpected(wishes.error());
  if (auto checked = check_share_message(wish.message); !checked) return tl::unexpected(checked.error());
  if (!wish.key.empty() && !is_identity(wish.key)) return fail(Kind::usage, "the key is not an age identity");
  if (wish.expire && *wish.expire <= Seconds(0))
    return fail(Kind::usage, "the time until expiry must be more than nothing");
  const auto by_hand = [](const Wish& one) { return one.to.channel == wire::Channel::link; };
  if (wish.notify && rules_->transports == 0 && !std::all_of(wishes->begin(), wishes->end(), by_hand))
    return fail(Kind::denied, "this server sends no notices", "tell the recipients yourself");

  const std::shared_lock gate(live.gate);
  std::vector<ShareRow> rows;
  bool made = false;
  bool queued = false;
  auto changed = rules.catalog.change(rules.durable(), [&](Transaction& transaction) -> Result<void> {
    rows.clear();
    made = queued = false;
    {
      const std::lock_guard lock(live.mutex);
      if (auto open = rules.still_open(live); !open) return open;
    }
    const WallTime now = rules.clock.wall();
    const std::uint64_t most = rules_->policy.recipients;
    Transaction::ShareCounts counts = transaction.count_shares(guid);
    bool any = false;
    for (const Wish& one : *wishes) {
      auto known = transaction.shares_to(guid, one.text);
      std::erase_if(known, [&](const ShareRow& row) { return row.revoked || (row.expires && *row.expires <= now); });
      const bool is_new = known.empty();
      ShareRow row;
      if (is_new) {
        if (most > 0 && (++counts.live > most || ++counts.all > most * rows_a_recipient))
          return fail(Kind::denied, "a space has at most " + std::to_string(most) + " recipients");
        row.share = Id::random();
        row.guid = guid;
        row.link_hash = sha256(as_bytes(link_token(token, row.share)));
        row.to = one.text;
        row.message = wish.message;
        row.limit = wish.downloads;
        row.created = now;
        if (wish.expire) row.expires = now + *wish.expire;
      } else {
        row = std::move(known.front());
        if (wish.expire) {  // whoever asks again with another time means this link
          row.expires = now + *wish.expire;
          transaction.put_share(row);
          any = true;
        }
      }
      const bool waits = row.notice == ShareState::queued;  // nobody has told them
      if (is_new || is_to_be_told(row, wish.again) || (waits && wish.notify && !transaction.notice(row.share))) {
        if (!wish.message.empty()) row.message = wish.message;  // what was corrected since they were not reached
        if (one.to.channel == wire::Channel::link)
          rules_->set_notice(row, ShareState::sent, "handed over by who shares");
        else if (wish.notify)
          rules_->queue_notice(transaction, row, one.to, link_token(token, row.share), wish.key);
        else
          rules_->set_notice(row, ShareState::queued, {});
        queued = queued || (wish.notify && row.notice == ShareState::queued);
        transaction.put_share(row);
        any = true;
      }
      made = made || is_new;
      rows.push_back(std::move(row));
    }
    if (any) rules.bump(live, transaction);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  rules.announce(live);
  if (queued) rules_->tell();
  Created created;
  created.made = made;
  created.shares.seq = live.seq;
  for (const ShareRow& row : rows) created.shares.shares.push_back(rules_->info(row, rules_->ends(row, live), token));
  return created;
}

Result<wire::Shares> Shares::list(const Guid& guid, std::string_view token) {
  auto live = rules_->rules.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  wire::Shares out;
  out.seq = (*live)->seq;  // before the rest is read: what changes after it gets a seq of its own
  auto rows = rules_->rules.catalog.shares(guid);
  if (!rows) return tl::unexpected(rows.error());
  for (const ShareRow& row : *rows) out.shares.push_back(rules_->info(row, rules_->ends(row, **live), token));
  return out;
}

Result<wire::ShareInfo> Shares::show(const Guid& guid, std::string_view token, const Id& share) {
  auto live = rules_->rules.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  auto row = rules_->owned(guid, share);
  if (!row) return tl::unexpected(row.error());
  return rules_->info(*row, rules_->ends(*row, **live), token);
}

Result<wire::ShareInfo> Shares::report(const Guid& guid, std::string_view token, const Id& share,
                                       const wire::ReportShare& report) {
  Rules& rules = rules_->rules;
  auto entered = rules.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::shared_lock gate(live.gate);
  std::optional<ShareRow> row;
  bool unqueued = false;
  auto changed = rules.catalog.change(rules.durable(), [&](Transaction& transaction) -> Result<void> {
    unqueued = false;
    row = transaction.share(share);
    if (!row || row->guid != guid) return no_such_share();
    if (row->revoked) return fail(Kind::conflict, "this share is revoked");
    if (row->notice == ShareState::sent)
      return report.state == ShareState::sent ? Result<void>()
                                              : fail(Kind::conflict, "the notice of this share was sent");
    const auto notice = transaction.notice(share);
    if (notice && notice->claimed) return fail(Kind::conflict, "the server is sending the notice of this share");
    if (report.untried && notice) return fail(Kind::conflict, "the server is to send the notice of this share");
    const bool is_first = report.state == ShareState::sending || report.untried;  // nobody may have begun
    if (is_first && (row->notice == ShareState::sending || row->notice == ShareState::unknown))
      return fail(Kind::conflict, row->notice == ShareState::sending
                                      ? "the notice of this share is being sent"
                                      : "it is not known whether the notice of this share was sent");
    if (notice) transaction.remove_notice(share);
    unqueued = notice.has_value();
    rules_->set_notice(*row, report.state, report.reason);
    transaction.put_share(*row);
    rules.bump(live, transaction);
    return {};
  });
  if (!changed) return tl::unexpected(changed.error());
  if (unqueued) rules_->unpurged = true;
  rules.announce(live);
  return rules_->info(*row, rules_->ends(*row, live), token);
}

Result<void> Shares::revoke(const Guid& guid, std::string_view token, const Id& share) {
  Rules& rules = rules_->rules;
  auto entered = rules.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::shared_lock gate(live.gate);
  auto changed = rules.catalog.change(rules.durable(), [&](Transaction& transaction) -> Result<void> {
    auto row = transaction.share(share);
    if (!row || row->guid != guid) return no_such_share();
    if (row->revoked) return {};
    row->revoked = true;
    ShareRules::note(*row, ShareState::revoked, rules.clock.wall(), {});
    transaction.put_share(*row);
    // One that is being sent stays until it is known what became of it.
    if (const auto notice = transaction.notice(share); notice && !notice->claimed) transaction.remove_notice(share);
    rules.bump(live, transaction);
    return {};
  });
  if (!changed) return changed;
  rules_->unpurged = true;
  rules_->cut(share);
  rules.announce(live);
  return {};
}

Result<void> Shares::revoke_all(const Guid& guid, std::string_view token) {
  Rules& rules = rules_->rules;
  auto entered = rules.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const std::shared_lock gate(live.gate);
  std::vector<Id> cut;
  auto rows = rules.catalog.shares(guid);
  if (!rows) return tl::unexpected(rows.error());
  auto changed = rules.catalog.change(rules.durable(), [&](Transaction& transaction) -> Result<void> {
    cut.clear();
    const WallTime now = rules.clock.wall();
    for (const ShareRow& known : *rows) {
      auto row = transaction.share(known.share);
      if (!row || row->revoked) continue;
      row->revoked = true;
      ShareRules::note(*row, ShareState::revoked, now, {});
      transaction.put_share(*row);
      if (const auto notice = transaction.notice(row->share); notice && !notice->claimed)
        transaction.remove_notice(row->share);
      cut.push_back(row->share);
    }
    if (!cut.empty()) rules.bump(live, transaction);
    return {};
  });
  if (!changed) return changed;
  rules_->unpurged = true;
  for (const Id& share : cut) rules_->cut(share);
  rules.announce(live);
  return {};
}

}  // namespace qrx::space
