// The rules of shares: each recipient's own link to a space, what he took by it, and the notices that tell him.
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

#include "space/share_model.h"
#include "space/spaces.h"

namespace qrx::space {

struct SharePolicy {
  std::uint64_t recipients = 1000;  // of one space; 0 in any of these: no limit
  // Notices by this server's transports, each within one day (UTC). Transports by the names of their tables in the
  // configuration: "mail", "sms", "exec.NAME".
  std::uint64_t notices_a_space = 2000;
  std::uint64_t notices_a_day = 10'000;    // in all
  std::uint64_t notices_a_recipient = 20;  // of all spaces
  std::map<std::string, std::uint64_t> notices_a_transport{{"mail", 5000}, {"sms", 200}};
  std::map<std::string, std::uint64_t> notices_a_recipient_by;  // a transport, where it is another number
  std::uint64_t notices_a_country = 100;                        // SMS to one country code
  std::vector<std::string> countries;                           // how numbers may begin, without '+'; empty: in any way
  Seconds give_up{24 * 3600};                                   // how long a notice is tried
  Seconds claim_lives{600};  // a caller that says nothing for so long after `sending` has ended: unknown
};

struct LiveShare;  // private to src/space
struct ShareRules;

// One transfer of content to a recipient, from its admission to its end. Destroyed without completed(): it was aborted;
// what was handed over counts as taken but for its last byte, so that it can be resumed and never counts by itself.
// Used by one thread at a time.
class Transfer {
 public:
  struct Leg {
    Id file;
    std::uint64_t size = 0;  // of the file
    std::uint64_t first = 0, bytes = 0;
  };
  Transfer(ShareRules& rules, std::shared_ptr<LiveShare> live, std::vector<Leg> legs);
  ~Transfer();
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  bool is_cut() const;  // the link was revoked: stop
  // Of a transfer of one range, before it goes out: how much the client may have then. Written down well ahead, so that
  // who goes on after the server was killed closes all gaps.
  void handed(std::uint64_t bytes);
  void handed_all();  // its last bytes go out: whether the client took them is known in a moment
  void completed();   // the last byte was taken: it counts now

 private:
  void settle();

  ShareRules& rules_;
  const std::shared_ptr<LiveShare> live_;
  const std::vector<Leg> legs_;
  std::uint64_t handed_ = 0;
  std::uint64_t ahead_ = 0;  // of the range: recorded as taken already
  bool settling_ = false, completed_ = false;
};

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
  void on_notice(std::function<void()> tell);

  // The last bytes of a transfer of this space, or by this limited link, are going out, and whether they were taken is
  // known in a moment. Who asks now may want to wait for it (Events::space_changed tells) rather than to hear what is
  // about to change.
  bool is_settling(const Guid& guid) const;
  std::optional<Guid> is_settling(std::string_view link) const;  // the space of the link, then

  // --- the owner; errors as those of Spaces. In each ShareInfo, `link` is the link's token alone.
  struct Created {
    wire::Shares shares;
    bool made = false;  // any of them is new
  };
  // All or nothing. Kind::usage for a malformed recipient or message, Kind::denied over the limit of recipients, and
  // with notify where this server has no transport at all.
  Result<Created> create(const Guid& guid, std::string_view token, const wire::CreateShares& wish);
  Result<wire::Shares> list(const Guid& guid, std::string_view token);
  Result<wire::ShareInfo> show(const Guid& guid, std::string_view token, const Id& share);
  // Kind::conflict when somebody else has claimed the notice, it was sent, or the share is revoked.
  Result<wire::ShareInfo> report(const Guid& guid, std::string_view token, const Id& share,
                                 const wire::ReportShare& report);
  // Running transfers are cut. Revoking again is fine.
  Result<void> revoke(const Guid& guid, std::string_view token, const Id& share);
  Result<void> revoke_all(const Guid& guid, std::string_view token);

  // --- the recipient: the link is the right. Kind::not_found when unknown, Kind::gone when revoked, expired or used
  // up.
  struct Opened {
    std::string label, message;
    WallTime expires;
    std::uint64_t downloads_left = 0;  // 0: no limit
    std::shared_ptr<const SpaceState> space;
    std::vector<std::uint32_t> files;  // of space->files: those of committed deliveries, in the order of their commits
  };
  Result<Opened> open(std::string_view link);  // changes nothing
  // The same for who wants to know what there is, page by page; url members are empty.
  struct Look {
    std::string label, message;
    WallTime expires;
    std::uint64_t downloads_left = 0;  // 0: no limit
    std::vector<wire::DeliveryInfo> deliveries;
    std::string next;
  };
  Result<Look> look(std::string_view link, const PageStart& from = {}, const PageSize& size = {});
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
  struct Claim {
    NoticeRow notice;
    std::string to, label, message;
    std::uint64_t files = 0, bytes = 0;  // what the space holds
    WallTime expires;
  };
  struct Next {
    std::optional<Claim> claim;
    std::optional<WallTime> due;  // no claim: when the next one may be had
  };
  // Not by transports that are busy: " mail exec.x ", their tables' names between blanks.
  Result<Next> claim(const std::string& busy = {});
  struct Ending {
    wire::ShareState state =
        wire::ShareState::failed;  // sent, failed, unknown; or queued: to be tried again at retry_at
    std::string reason;
    WallTime retry_at;
  };
  // A notice that would be tried again after its time (policy().give_up, or the end of the share) has failed.
  Result<void> conclude(const Id& share, const Ending& ending);
  Result<void> end_stale_claims();  // of callers that never said how it went
  Result<void> purge();             // secrets of notices that have ended leave the catalog's files

 private:
  std::unique_ptr<ShareRules> rules_;
};

}  // namespace qrx::space
