#include "space/shares.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/text.h"
#include "space/page_start.h"
#include "space/share_changes.h"
#include "space/share_rules.h"
#include "space/share_text.h"
#include "space/views.h"
#include "wire/age_text.h"

namespace qrx::space {
namespace {

using wire::ShareState;

// Committed files in the order in which they became visible. Indices instead of copies: a space may have 100,000 files,
// and each request to its link comes by here.
std::vector<std::uint32_t> visible_files(const SpaceState& state) {
  std::vector<const DeliveryRow*> committed;
  for (const DeliveryRow& delivery : state.deliveries)
    if (delivery.committed) committed.push_back(&delivery);
  std::stable_sort(committed.begin(), committed.end(),
                   [](const DeliveryRow* a, const DeliveryRow* b) { return *a->committed < *b->committed; });
  std::unordered_map<Id, std::uint32_t, IdHash> place;
  for (const DeliveryRow* delivery : committed)
    place.emplace(delivery->delivery, static_cast<std::uint32_t>(place.size()));
  std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
  for (std::uint32_t at = 0; at < state.files.size(); ++at)
    if (const auto delivery = place.find(state.files[at].delivery); delivery != place.end())
      found.emplace_back(delivery->second, at);
  std::sort(found.begin(), found.end());
  std::vector<std::uint32_t> files;
  files.reserve(found.size());
  for (const auto& [delivery, at] : found) files.push_back(at);
  return files;
}

Result<std::unique_ptr<Transfer>> begin_legs(ShareRules& rules, std::string_view link, std::vector<TransferLeg> legs) {
  auto found = rules.downloads.find(link);
  if (!found) return tl::unexpected(found.error());
  const LiveSharePtr live = rules.downloads.live(*found);
  if (auto begun = rules.downloads.begin_transfer(*live, legs); !begun) return tl::unexpected(begun.error());
  auto transfer = std::make_unique<Transfer>(rules.downloads, live, std::move(legs));
  // Only now: a revocation that came before this finds the transfer in neither place otherwise.
  if (auto still = rules.downloads.find(link); !still) return tl::unexpected(still.error());
  // For the owner's eyes only: a failure must not keep the recipient from the file.
  (void)rules.downloads.mark_opened(*found);
  rules.downloads.begun(*found, *live);
  return transfer;
}

}  // namespace

Shares::Shares(Spaces& spaces, SharePolicy policy)
    : rules_(std::make_unique<ShareRules>(spaces.rules(), std::move(policy))) {}
Shares::~Shares() = default;

const SharePolicy& Shares::policy() const {
  return rules_->policy;
}

void Shares::set_transports(std::uint32_t channels) {
  rules_->notices.transports = channels;
}

void Shares::on_notice(std::function<void()> wake_outbox) {
  rules_->notices.wake_outbox = std::move(wake_outbox);
}

bool Shares::in_doubt(const Guid& guid) const {
  return rules_->downloads.in_doubt(guid);
}

std::optional<Guid> Shares::in_doubt(std::string_view link) const {
  return rules_->downloads.in_doubt(link);
}

Result<Shares::Created> Shares::create(const Guid& guid, std::string_view token, const wire::CreateShares& wish) {
  auto entered = rules_->registry.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const auto wishes = read_recipients(wish.recipients);
  if (!wishes) return tl::unexpected(wishes.error());
  if (auto checked = check_share_message(wish.message); !checked) return tl::unexpected(checked.error());
  if (!wish.key.empty() && !wire::is_age_identity(wish.key)) return fail(Kind::usage, "the key is not an age identity");
  if (wish.expire && *wish.expire <= Seconds(0))
    return fail(Kind::usage, "the time until expiry must be more than zero");
  const auto by_hand = [](const ShareWish& one) { return one.to.channel == wire::Channel::link; };
  // Nothing is made then: the sharer would believe that somebody was told.
  if (wish.notify && rules_->notices.transports == 0 && !std::all_of(wishes->begin(), wishes->end(), by_hand))
    return fail(Kind::denied, "this server sends no notices", "notify the recipients yourself");

  const SharedGate gate(live);
  std::vector<ShareRow> rows;
  bool made = false;
  bool queued = false;
  std::optional<SpaceHead> head;
  auto changed =
      rules_->context.catalog.change(rules_->context.durability(), [&](Transaction& transaction) -> Result<void> {
        {
          const SpaceLock lock(live);
          if (auto open = rules_->registry.still_open(lock, live); !open) return open;
        }
        ShareChanges changes(*rules_, transaction, guid, token, wish);
        for (const ShareWish& one : *wishes)
          if (auto added = changes.add(one); !added) return added;
        made = changes.made();
        queued = changes.queued();
        rows = changes.take_rows();
        head.reset();
        return changes.any() ? rules_->versions.advance(live, transaction, head) : Result<void>();
      });
  if (!changed) return tl::unexpected(changed.error());
  rules_->versions.publish(live, head);
  // After the commit: the outbox looks into the catalog at once, and would find nothing before.
  if (queued) rules_->notices.wake_outbox();
  Created created;
  created.made = made;
  created.shares.seq = live.version;
  for (const ShareRow& row : rows) created.shares.shares.push_back(rules_->book.view(row, end_of(row, live), token));
  return created;
}

Result<ShareList> Shares::list(const Guid& guid, std::string_view token, std::uint64_t next,
                               const SharePageSize& size) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  ShareList out;
  out.seq = (*live)->version;  // before the rest is read: what changes after it gets a version of its own
  auto page = rules_->context.catalog.shares(guid, next, size);
  if (!page) return tl::unexpected(page.error());
  for (const ShareRow& row : page->shares) {
    out.shares.push_back(rules_->book.view(row, end_of(row, **live), token));
    out.shares.back().fetching = rules_->downloads.fetching(row);
  }
  if (page->next > 0) out.next = std::to_string(page->next);
  return out;
}

Result<ShareView> Shares::show(const Guid& guid, std::string_view token, const Id& share) {
  auto live = rules_->registry.enter(guid, token);
  if (!live) return tl::unexpected(live.error());
  auto row = rules_->book.owned(guid, share);
  if (!row) return tl::unexpected(row.error());
  ShareView view = rules_->book.view(*row, end_of(*row, **live), token);
  view.fetching = rules_->downloads.fetching(*row);
  return view;
}

Result<ShareView> Shares::report(const Guid& guid, std::string_view token, const Id& share,
                                 const wire::ReportShare& report) {
  auto entered = rules_->registry.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const SharedGate gate(live);
  std::optional<ShareRow> row;
  bool unqueued = false;
  std::optional<SpaceHead> head;
  auto changed =
      rules_->context.catalog.change(rules_->context.durability(), [&](Transaction& transaction) -> Result<void> {
        unqueued = false;
        head.reset();
        row = transaction.share(share);
        if (!row || row->guid != guid) return no_such_share();
        if (row->revoked) return fail(Kind::conflict, "this share is revoked");
        if (row->notice == ShareState::sent)
          // The same report again: its answer was lost.
          return report.state == ShareState::sent ? Result<void>()
                                                  : fail(Kind::conflict, "the notice of this share was sent");
        const auto notice = transaction.notice(share);
        if (notice && notice->claimed) return fail(Kind::conflict, "the server is sending the notice of this share");
        if (report.untried && notice) return fail(Kind::conflict, "the server is to send the notice of this share");
        // Two programs of the owner may send at once. Whoever reports "sending" first has the claim; the other stops
        // here, and nobody is told twice.
        const bool is_first = report.state == ShareState::sending || report.untried;  // nobody may have begun
        if (is_first && (row->notice == ShareState::sending || row->notice == ShareState::unknown))
          return fail(Kind::conflict, row->notice == ShareState::sending
                                          ? "the notice of this share is being sent"
                                          : "it is not known whether the notice of this share was sent");
        if (notice) transaction.remove_notice(share);
        unqueued = notice.has_value();
        rules_->book.set_notice(*row, report.state, report.reason);
        transaction.put_share(*row);
        return rules_->versions.advance(live, transaction, head);
      });
  if (!changed) return tl::unexpected(changed.error());
  if (unqueued) rules_->notices.unpurged = true;
  rules_->versions.publish(live, head);
  return rules_->book.view(*row, end_of(*row, live), token);
}

Result<void> Shares::revoke(const Guid& guid, std::string_view token, const Id& share) {
  auto entered = rules_->registry.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const SharedGate gate(live);
  std::optional<SpaceHead> head;
  auto changed =
      rules_->context.catalog.change(rules_->context.durability(), [&](Transaction& transaction) -> Result<void> {
        head.reset();
        auto row = transaction.share(share);
        if (!row || row->guid != guid) return no_such_share();
        if (row->revoked) return {};
        row->revoked = true;
        add_event(*row, ShareState::revoked, rules_->context.clock.wall(), {});
        transaction.put_share(*row);
        // One that is being sent stays until it is known what became of it.
        if (const auto notice = transaction.notice(share); notice && !notice->claimed) transaction.remove_notice(share);
        return rules_->versions.advance(live, transaction, head);
      });
  if (!changed) return changed;
  rules_->notices.unpurged = true;
  rules_->downloads.cut(share);
  rules_->versions.publish(live, head);
  return {};
}

Result<void> Shares::revoke_all(const Guid& guid, std::string_view token) {
  auto entered = rules_->registry.enter(guid, token);
  if (!entered) return tl::unexpected(entered.error());
  LiveSpace& live = **entered;
  const SharedGate gate(live);
  std::vector<Id> cut, all;
  std::optional<SpaceHead> head;
  // Ids first, outside of the transaction, which reads each row again: a share that is made after the last page was not
  // there when the owner asked.
  for (std::uint64_t next = 0;;) {
    auto page = rules_->context.catalog.shares(guid, next, {});
    if (!page) return tl::unexpected(page.error());
    for (const ShareRow& row : page->shares) all.push_back(row.share);
    if (next = page->next; next == 0) break;
  }
  auto changed =
      rules_->context.catalog.change(rules_->context.durability(), [&](Transaction& transaction) -> Result<void> {
        cut.clear();
        head.reset();
        const WallTime now = rules_->context.clock.wall();
        for (const Id& share : all) {
          auto row = transaction.share(share);
          if (!row || row->revoked) continue;
          row->revoked = true;
          add_event(*row, ShareState::revoked, now, {});
          transaction.put_share(*row);
          if (const auto notice = transaction.notice(row->share); notice && !notice->claimed)
            transaction.remove_notice(row->share);
          cut.push_back(row->share);
        }
        return cut.empty() ? Result<void>() : rules_->versions.advance(live, transaction, head);
      });
  if (!changed) return changed;
  rules_->notices.unpurged = true;
  for (const Id& share : cut) rules_->downloads.cut(share);
  rules_->versions.publish(live, head);
  return {};
}

void Shares::cut_limited() {
  rules_->downloads.cut_limited();
}

Result<Shares::Opened> Shares::open(std::string_view link) {
  auto found = rules_->downloads.find(link);
  if (!found) return tl::unexpected(found.error());
  auto state = rules_->context.catalog.space(found->row.guid);
  if (!state) return tl::unexpected(state.error());
  if (*state == nullptr) return no_such_link();
  Opened out;
  out.label = (*state)->space.label;
  out.message = found->row.message;
  out.expires = found->expires;
  out.space = std::move(*state);
  out.files = visible_files(*out.space);
  auto left = rules_->downloads.left(found->row, out.files.size());
  if (!left) return tl::unexpected(left.error());
  out.downloads_left = *left;
  return out;
}

std::uint64_t Shares::files_held(std::string_view link) {
  return rules_->downloads.files_held(link);
}

// The number of files is needed only to know whether a limited link is used up: else it is not counted.
Result<wire::SharedSpace> Shares::look(std::string_view link, const PageStart& from, const PageSize& size) {
  auto found = rules_->downloads.find(link);
  if (!found) return tl::unexpected(found.error());
  Catalog& catalog = rules_->context.catalog;
  std::uint64_t files = 0;
  if (found->row.limit > 0 && found->row.files_taken > 0) {
    const auto counted = catalog.committed_files(found->row.guid);
    if (!counted) return tl::unexpected(counted.error());
    files = *counted;
  }
  const auto left = rules_->downloads.left(found->row, files);
  if (!left) return tl::unexpected(left.error());
  auto page = catalog.committed(found->row.guid, from, size);
  if (!page) return tl::unexpected(page.error());
  wire::SharedSpace out{{}, found->row.message, found->expires, *left, to_infos(std::move(page->deliveries)), {}};
  if (page->next) out.next = to_text(*page->next);
  const SpaceLock lock(*found->space);
  out.label = found->space->row.label;
  return out;
}

LinkEnd Shares::why_gone(std::string_view link) {
  return rules_->downloads.why_gone(link);
}

Result<void> Shares::opened(std::string_view link) {
  auto found = rules_->downloads.find(link);
  if (!found) return tl::unexpected(found.error());
  return rules_->downloads.mark_opened(*found);
}

Result<std::shared_ptr<Content>> Shares::content(std::string_view link, const Id& file) {
  auto found = rules_->downloads.find(link);
  if (!found) return tl::unexpected(found.error());
  auto row = rules_->context.catalog.file(file);
  if (!row) return tl::unexpected(row.error());
  // A link opens the files of its own space only.
  if (!*row || (*row)->guid != found->row.guid) return no_such_link();
  {
    const SpaceLock lock(*found->space);
    // Its delivery is not committed: recipients see whole deliveries only.
    if (found->space->open.contains((*row)->delivery)) return no_such_link();
  }
  return open_stored(rules_->context.blobs, rules_->context.catalog, **row, blocked_of(found->space));
}

Result<std::shared_ptr<Content>> Shares::stored(const FileRow& file) {
  return open_stored(rules_->context.blobs, rules_->context.catalog, file, nullptr);
}

Result<std::unique_ptr<Transfer>> Shares::begin(std::string_view link, const FileRow& file, std::uint64_t first,
                                                std::uint64_t bytes) {
  if (is_list(file)) {
    const auto found = rules_->downloads.find(link);
    if (!found) return tl::unexpected(found.error());
    if (auto open = rules_->downloads.check_open(found->row); !open) return tl::unexpected(open.error());
  }
  return begin_legs(*rules_, link, {{file.file, file.size, first, bytes, is_list(file)}});
}

Result<std::vector<std::uint32_t>> Shares::left(std::string_view link, const Opened& opened) {
  auto found = rules_->downloads.find(link);
  if (!found) return tl::unexpected(found.error());
  if (found->row.limit == 0) return opened.files;
  auto rows = rules_->context.catalog.share_files(found->row.share);
  if (!rows) return tl::unexpected(rows.error());
  std::unordered_set<Id, IdHash> gone;
  for (const ShareFileRow& row : *rows)
    if (row.taken >= found->row.limit) gone.insert(row.file);
  std::vector<std::uint32_t> files;
  bool all_taken = true;
  for (const std::uint32_t at : opened.files) {
    const FileRow& file = opened.space->files[at];
    // Without the list nobody can open what is left.
    if (!is_list(file) && gone.contains(file.file)) continue;
    files.push_back(at);
    all_taken = all_taken && gone.contains(file.file);
  }
  if (all_taken && !opened.files.empty()) return used_up();
  return files;
}

Result<std::unique_ptr<Transfer>> Shares::begin_all(std::string_view link, const Opened& opened,
                                                    const std::vector<std::uint32_t>& files) {
  std::vector<TransferLeg> legs;
  legs.reserve(files.size());
  for (const std::uint32_t at : files) legs.push_back(whole(opened.space->files[at]));
  return begin_legs(*rules_, link, std::move(legs));
}

Result<std::uint64_t> Shares::recover() {
  return rules_->notices.recover();
}

Result<Shares::Next> Shares::claim(const std::string& busy) {
  return rules_->notices.claim(busy);
}

Result<void> Shares::conclude(const Id& share, const Ending& ending) {
  return rules_->notices.conclude(share, ending);
}

Result<void> Shares::end_stale_claims() {
  return rules_->notices.end_stale_claims();
}

Result<void> Shares::purge() {
  return rules_->notices.purge();
}

}  // namespace qrx::space
