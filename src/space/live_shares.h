// What the rules hold in memory of shares: the transfers that run. The catalog has the truth of all that ended.
// Private to src/space.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "space/live.h"
#include "space/parts.h"
#include "space/shares.h"

namespace qrx::space {

// A share with transfers; alive as long as one of them.
struct LiveShare {
  LiveShare(const Id& share_, const Guid& guid_, std::uint64_t limit_) : share(share_), guid(guid_), limit(limit_) {}
  const Id share;
  const Guid guid;
  const std::uint64_t limit;
  std::atomic<bool> cut{false};
  std::atomic<unsigned> settling{0};          // transfers that have gone out and are not known to be taken yet
  std::atomic<std::uint64_t> files_taken{0};  // as of the last record
  std::atomic<std::uint64_t> shown_least{
      ~std::uint64_t{0}};  // how often everything was taken when its space last moved

  // Of a limited share, files that are on their way; from their first transfer to the end of the last.
  struct File {
    Parts taken;
    std::list<Transfer::Leg> flights;
  };
  std::mutex mutex;
  std::unordered_map<Id, File, IdHash> files;
};
using LiveSharePtr = std::shared_ptr<LiveShare>;

struct ShareRules {
  ShareRules(Rules& rules_, SharePolicy policy_) : rules(rules_), policy(std::move(policy_)) {}

  Rules& rules;
  const SharePolicy policy;
  std::atomic<std::uint32_t> transports{0};
  std::function<void()> tell = [] {};
  std::atomic<bool> unpurged{true};  // at first for what an earlier process left

  std::atomic<unsigned> settling{0};  // of all shares

  std::mutex lives_mutex;
  std::unordered_map<Id, std::weak_ptr<LiveShare>, IdHash> lives;
  std::size_t prune_at = 64;

  struct Held {
    std::weak_ptr<const SpaceState> state;
    std::uint64_t files = 0;
  };
  std::mutex held_mutex;
  std::unordered_map<Guid, Held, IdHash> held;

  // --- shares.cpp
  static WallTime ends(const ShareRow& row, LiveSpace& live);  // the link; the mutex of the space is not held
  wire::ShareInfo info(const ShareRow& row, WallTime expires, std::string_view token);
  static void note(ShareRow& row, wire::ShareState state, WallTime now, std::string_view reason);  // into the history
  void set_notice(ShareRow& row, wire::ShareState state, std::string_view reason) const;
  Result<ShareRow> owned(const Guid& guid, const Id& share) const;
  // How many files of a space are there to be taken. With `unless_over`: an older count will do if it is larger than
  // that.
  Result<std::uint64_t> files_held(const Guid& guid, std::uint64_t unless_over = 0);

  // --- share_links.cpp
  struct Found {
    ShareRow row;
    LivePtr space;
    WallTime expires;
  };
  Result<Found> find(std::string_view link);
  // Of a space with so many files; Kind::gone when it is used up, 0 when there is no limit.
  Result<std::uint64_t> downloads_left(const ShareRow& row, std::uint64_t files) const;
  LiveSharePtr live(const ShareRow& row);
  void cut(const Id& share);
  Result<void> mark_opened(const Found& found);
  // Admits all legs of a limited share or none.
  Result<void> take_off(LiveShare& live, const std::vector<Transfer::Leg>& legs);
  // `ahead`: how many bytes of the one leg were recorded before.
  void land(LiveShare& live, const std::vector<Transfer::Leg>& legs, const std::vector<Transfer::Leg>& taken,
            std::uint64_t ahead);
  Result<void> record(LiveShare& live, const std::vector<Transfer::Leg>& taken, std::uint64_t ahead);
  Result<void> record_ahead(LiveShare& live, const Transfer::Leg& leg, std::uint64_t from, std::uint64_t until);

  // --- share_notices.cpp: inside a transaction
  // The notice of this share goes into the outbox, or the share says why not.
  void queue_notice(Transaction& transaction, ShareRow& row, const wire::Recipient& to, const std::string& token,
                    const std::string& key);
};

wire::ShareState state_of(const ShareRow& row);
tl::unexpected<Error> no_such_share();

// contents.cpp: a complete file, open. Kind::not_found when it is deleted, Kind::integrity when its bytes were lost.
Result<std::shared_ptr<Content>> open_stored(Rules& rules, const FileRow& row);

}  // namespace qrx::space
