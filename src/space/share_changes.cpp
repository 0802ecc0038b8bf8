#include "space/share_changes.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/bytes.h"
#include "space/share_text.h"

namespace qrx::space {
namespace {

using wire::ShareState;

// Rows per space, revoked ones too, for each recipient that a space may have.
constexpr std::uint64_t rows_a_recipient = 4;

// Whether to notify the recipient (again).
bool is_to_be_told(const ShareRow& row, bool again) {
  if (row.progress != Progress::none) return false;
  // Unknown means that they may have been told: only somebody who asks for it expressly risks telling them twice.
  return row.notice == ShareState::failed || (row.notice == ShareState::unknown && again);
}

}  // namespace

Result<std::vector<ShareWish>> read_recipients(const std::vector<std::string>& recipients) {
  std::vector<ShareWish> wishes;
  std::unordered_set<std::string> known;  // a list of 100,000 must not be looked through for each of them
  for (const std::string& text : recipients) {
    auto to = wire::parse_recipient(text);
    if (!to) return tl::unexpected(to.error());
    std::string written = wire::to_text(*to);
    // Written in two ways it is still one recipient, with one link.
    if (!known.insert(written).second) continue;
    wishes.push_back({std::move(*to), std::move(written)});
  }
  if (wishes.empty()) return fail(Kind::usage, "there are no recipients");
  return wishes;
}

Result<void> ShareChanges::add(const ShareWish& one) {
  auto known = transaction_.shares_to(guid_, one.text);
  // One link for each recipient while it works; asking again must not make another. What was revoked or has expired
  // does not count.
  std::erase_if(known, [&](const ShareRow& row) { return row.revoked || (row.expires && *row.expires <= now_); });
  const bool is_new = known.empty();
  ShareRow row;
  if (is_new) {
    auto fresh = make(one);
    if (!fresh) return tl::unexpected(fresh.error());
    row = std::move(*fresh);
  } else {
    row = std::move(known.front());
    if (wish_.expire) {  // whoever asks again with another time means this link
      row.expires = now_ + *wish_.expire;
      transaction_.put_share(row);
      any_ = true;
    }
  }
  const bool waits = row.notice == ShareState::queued;  // nobody has told them
  if (is_new || is_to_be_told(row, wish_.again) || (waits && wish_.notify && !transaction_.notice(row.share)))
    tell(one, row);
  made_ = made_ || is_new;
  rows_.push_back(std::move(row));
  return {};
}

Result<ShareRow> ShareChanges::make(const ShareWish& one) {
  const std::uint64_t most = rules_.policy.recipients;
  // Revoking makes room for other recipients, but not for endless rows.
  if (most > 0 && (++counts_.live > most || ++counts_.all > most * rows_a_recipient))
    return fail(Kind::denied, "a space has at most " + std::to_string(most) + " recipients");
  ShareRow row;
  row.share = Id::random();
  row.guid = guid_;
  row.link_hash = sha256(as_bytes(link_token(token_, row.share)));
  row.to = one.text;
  row.message = wish_.message;
  row.limit = wish_.downloads;
  row.created = now_;
  if (wish_.expire) row.expires = now_ + *wish_.expire;
  return row;
}

void ShareChanges::tell(const ShareWish& one, ShareRow& row) {
  if (!wish_.message.empty()) row.message = wish_.message;  // what was corrected since they were not reached
  if (one.to.channel == wire::Channel::link)
    rules_.book.set_notice(row, ShareState::sent, "deliver this link yourself");
  else if (wish_.notify)
    rules_.notices.queue(transaction_, row, one.to, link_token(token_, row.share), wish_.key);
  else
    rules_.book.set_notice(row, ShareState::queued, {});
  queued_ = queued_ || (wish_.notify && row.notice == ShareState::queued);
  transaction_.put_share(row);
  any_ = true;
}

}  // namespace qrx::space
