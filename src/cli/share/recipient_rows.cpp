#include "cli/share/recipient_rows.h"

#include <algorithm>
#include <map>

namespace qrx::cli {

using wire::ShareState;

std::string_view to_text(Notifier notifier) {
  switch (notifier) {
    case Notifier::nobody:
      return "";
    case Notifier::server:
      return "server";
    case Notifier::local:
      return "local";
  }
  return "";
}

bool is_settled(const RecipientRow& row) {
  return row.share.state != ShareState::queued && row.share.state != ShareState::sending;
}

bool is_trouble(const RecipientRow& row) {
  return row.share.state == ShareState::failed || row.share.state == ShareState::unknown;
}

std::vector<std::size_t> RecipientRows::assigned_to(Notifier notifier) const {
  std::vector<std::size_t> which;
  for (std::size_t i = 0; i < rows_.size(); ++i)
    if (rows_[i].notifier == notifier) which.push_back(i);
  return which;
}

RecipientRow RecipientRows::row_of(wire::Recipient to, wire::ShareInfo share) const {
  std::string link = share.link;
  // The link as others reach the server, which this machine may do by another address.
  if (shown_)
    if (auto parsed = wire::parse_share_link(link)) {
      parsed->origin = *shown_;
      link = parsed->text();
    }
  // The server never knows the key: it is put behind the link here.
  if (!key_.empty()) link += "#" + key_;
  return {std::move(to), std::move(share), std::move(link), Notifier::nobody, {}};
}

Result<void> RecipientRows::make(const std::vector<wire::Recipient>& recipients, wire::CreateShares wish) {
  wish.recipients.clear();
  for (const wire::Recipient& to : recipients) wish.recipients.push_back(wire::to_text(to));
  auto made = client_.create(wish);
  if (!made) return tl::unexpected(made.error());
  // One for each, in their order: anything else would send links to the wrong people.
  if (made->shares.size() != recipients.size())
    return fail(Kind::other, "the server's answer is about other recipients");
  seq_ = made->seq;
  rows_.clear();
  for (std::size_t i = 0; i < recipients.size(); ++i)
    rows_.push_back(row_of(recipients[i], std::move(made->shares[i])));
  return {};
}

Result<void> RecipientRows::list(const std::vector<wire::Recipient>& only) {
  auto listed = client_.list();
  if (!listed) return tl::unexpected(listed.error());
  seq_ = listed->seq;
  rows_.clear();
  for (wire::ShareInfo& share : listed->shares) {
    auto to = wire::parse_recipient(share.to);
    if (!to) return fail(Kind::other, "the server's answer is malformed");
    if (only.empty() || std::find(only.begin(), only.end(), *to) != only.end())
      rows_.push_back(row_of(std::move(*to), std::move(share)));
  }
  return {};
}

Result<void> RecipientRows::revoke(const std::vector<wire::Recipient>& who, bool all) {
  // Listed first: who was named and has no link is an error, before anything is revoked.
  if (auto listed = list(all ? std::vector<wire::Recipient>() : who); !listed) return listed;
  std::erase_if(rows_, [](const RecipientRow& row) { return row.share.state == ShareState::revoked; });
  for (const auto& to : who)
    if (std::none_of(rows_.begin(), rows_.end(), [&](const RecipientRow& row) { return row.to == to; }))
      return fail(Kind::not_found, wire::to_text(to) + " has no link to this space");
  if (all) {
    if (auto done = client_.revoke_all(); !done) return done;
  } else {
    for (const RecipientRow& row : rows_)
      if (auto done = client_.revoke(row.share.share); !done) return done;
  }
  // Once more, for the states that are printed.
  return wait(Seconds{0});
}

Result<void> RecipientRows::record_undeliverable() {
  for (RecipientRow& row : rows_) {
    if (row.undeliverable.empty()) continue;
    auto recorded = client_.report(row.share.share, {ShareState::failed, row.undeliverable, true});
    // A conflict: somebody else told them meanwhile.
    if (recorded)
      row.share = std::move(*recorded);
    else if (recorded.error().kind == Kind::conflict)
      row.undeliverable.clear();
    else
      return tl::unexpected(recorded.error());
  }
  return {};
}

Result<void> RecipientRows::wait(Seconds most) {
  auto shares = client_.list(seq_, most);
  if (!shares) return tl::unexpected(shares.error());
  seq_ = shares->seq;
  std::map<Id, wire::ShareInfo*> by_id;
  for (wire::ShareInfo& share : shares->shares) by_id[share.share] = &share;
  // Links that another run makes meanwhile are not this run's.
  for (RecipientRow& row : rows_)
    if (const auto found = by_id.find(row.share.share); found != by_id.end()) row.share = *found->second;
  return {};
}

Result<void> RecipientRows::wait_until_settled(Seconds most) {
  const auto limit = std::chrono::steady_clock::now() + most;
  while (!std::all_of(rows_.begin(), rows_.end(), is_settled)) {
    // Rounded up: a wait of 0 seconds is answered at once, and would be asked again and again.
    const auto left = std::chrono::ceil<Seconds>(limit - std::chrono::steady_clock::now());
    if (left <= Seconds{0}) return {};
    if (auto waited = wait(left); !waited) return waited;
  }
  return {};
}

}  // namespace qrx::cli
