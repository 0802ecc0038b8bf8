// The rules of shares: each recipient's own link to a space, what they took by it, and the notices that tell
// them.
// Thread-safe; calls may wait for the disk, never for the network. Share changes move the seq of their space.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "space/content.h"
#include "space/notice_claims.h"
#include "space/share_model.h"
#include "space/share_policy.h"
#include "space/share_view.h"
#include "space/spaces.h"
#include "space/transfer.h"

namespace qrx::space {

struct ShareRules;  // private to src/space

class Shares {
 public:
  // `spaces` outlives it, and so does it all transfers.
  Shares(Spaces& spaces, SharePolicy policy);
  ~Shares();
  const SharePolicy& policy() const;

  // After a start, before serving: notices that were being sent have an unknown fate. How many.
  Result<std::uint64_t> recover();
  // The channels that this server has transports for, as bits (1 << channel); none at first. Any thread.
  void set_transports(std::uint32_t channels);
  // Called when there may be a notice to send; before serving. Any thread, must be cheap and not call back.
  void on_notice(std::function<void()> wake_outbox);

  // The last bytes of a transfer of this space, or by this limited link, are going out, and whether they were taken is
  // known in a moment (Events::space_changed tells): an answer that waits for it says nothing that is about to change.
  bool in_doubt(const Guid& guid) const;
  std::optional<Guid> in_doubt(std::string_view link) const;  // the space of the link, then

  // --- the owner; errors as those of Spaces
  struct Created {
    ShareList shares;
    bool made = false;  // any of them is new
  };
  // All or nothing. Kind::usage for a malformed recipient or message, Kind::denied over the limit of recipients, and
  // with notify where this server has no transport at all.
  Result<Created> create(const Guid& guid, std::string_view token, const wire::CreateShares& wish);
  // All of them, page by page, oldest first; `next` as the page before said it.
  Result<ShareList> list(const Guid& guid, std::string_view token, std::uint64_t next = 0,
                         const SharePageSize& size = {});
  Result<ShareView> show(const Guid& guid, std::string_view token, const Id& share);
  // Kind::conflict when somebody else has claimed the notice, it was sent, or the share is revoked.
  Result<ShareView> report(const Guid& guid, std::string_view token, const Id& share, const wire::ReportShare& report);
  // Running transfers are cut. Revoking again is fine.
  Result<void> revoke(const Guid& guid, std::string_view token, const Id& share);
  Result<void> revoke_all(const Guid& guid, std::string_view token);

  // Of limited links: the running transfers of this node end. Other nodes no longer know of them.
  void cut_limited();

  // --- the recipient: the link is the right. Kind::not_found when unknown, Kind::gone when revoked, expired or used
  // up.
  struct Opened {
    std::string label, message;
    WallTime expires;
    std::uint64_t downloads_left = 0;  // 0: no limit
    std::shared_ptr<const SpaceState> space;
    std::vector<std::uint32_t> files;  // of space->files: those of committed deliveries, in the order of their commits
  };
  Result<Opened> open(std::string_view link);       // changes nothing; reads the whole space
  std::uint64_t files_held(std::string_view link);  // by its space; 0 when the link opens nothing
  LinkEnd why_gone(std::string_view link);          // behind Kind::gone, for pages that say it in their own words
  // As open(), but for what there is, page by page.
  Result<wire::SharedSpace> look(std::string_view link, const PageStart& from = {}, const PageSize& size = {});
  Result<void> opened(std::string_view link);  // the recipient looked at it
  Result<std::shared_ptr<Content>> content(std::string_view link, const Id& file);
  // Kind::locked when others take the last downloads just now, Kind::gone when they are used up.
  Result<std::unique_ptr<Transfer>> begin(std::string_view link, const FileRow& file, std::uint64_t first,
                                          std::uint64_t bytes);
  // Everything at once: of a limited link, what can still be taken.
  Result<std::vector<std::uint32_t>> left(std::string_view link, const Opened& opened);
  Result<std::unique_ptr<Transfer>> begin_all(std::string_view link, const Opened& opened,
                                              const std::vector<std::uint32_t>& files);
  Result<std::shared_ptr<Content>> stored(const FileRow& file);  // of files that open() or left() named

  // --- the outbox. A notice is claimed durably before it is sent, and what became of it is recorded after.
  using Claim = NoticeClaim;
  using Next = NextNotice;
  // Not by transports that are busy: " mail exec.x ", their tables' names between blanks.
  Result<Next> claim(const std::string& busy = {});
  using Ending = NoticeEnding;
  // A notice that would be tried again after its time (policy().give_up, or the end of the share) has failed.
  Result<void> conclude(const Id& share, const Ending& ending);
  Result<void> end_stale_claims();  // of callers that never said how it went
  Result<void> purge();             // secrets of notices that have ended leave the catalog's files

 private:
  const std::unique_ptr<ShareRules> rules_;
};

}  // namespace qrx::space
