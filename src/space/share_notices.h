// The notices of shares: queued, claimed before they are sent, ended; within the limits of each day.
// Private to src/space.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

#include "space/context.h"
#include "space/notice_claims.h"
#include "space/registry.h"
#include "space/share_book.h"
#include "space/share_policy.h"
#include "space/versions.h"

namespace qrx::space {

// Thread-safe. As the functions of these names in Shares.
class ShareNotices {
 public:
  ShareNotices(Context& context, Registry& registry, Versions& versions, ShareBook& book, const SharePolicy& policy)
      : context_(context), registry_(registry), versions_(versions), book_(book), policy_(policy) {}

  std::atomic<std::uint32_t> transports{0};   // bits: 1 << channel
  std::function<void()> wake_outbox = [] {};  // after a notice was queued; set before anything runs
  std::atomic<bool> unpurged{true};           // at first for what an earlier process left

  // Inside a transaction: the notice of this share goes into the outbox, or the share says why not.
  void queue(Transaction& transaction, ShareRow& row, const wire::Recipient& to, const std::string& token,
             const std::string& key);
  Result<std::uint64_t> recover();
  Result<NextNotice> claim(const std::string& busy);
  Result<void> conclude(const Id& share, const NoticeEnding& ending);
  Result<void> end_stale_claims();
  Result<void> purge();

 private:
  struct Taken;
  Result<Taken> take(const Id& share, LiveSpace& live, WallTime now);
  NoticeClaim claim_of(Taken taken, LiveSpace& live);
  NoticeEnding ending_of(NoticeEnding said, const NoticeRow& notice, const ShareRow& row, LiveSpace* live) const;

  Context& context_;
  Registry& registry_;
  Versions& versions_;
  ShareBook& book_;
  const SharePolicy& policy_;
};

}  // namespace qrx::space
