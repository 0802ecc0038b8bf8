// What recipients take by their links: which may begin, what is on its way, what was taken. The catalog has the truth
// of all that ended. Private to src/space.
#pragma once

#include <atomic>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "space/context.h"
#include "space/download_counting.h"
#include "space/live.h"
#include "space/parts.h"
#include "space/registry.h"
#include "space/sent_bytes.h"
#include "space/share_book.h"
#include "space/share_model.h"
#include "space/share_view.h"
#include "space/versions.h"

namespace qrx::space {

// A share with transfers; alive as long as one of them.
struct LiveShare {
  LiveShare(const ShareRow& row, Blocked blocked_)
      : share(row.share), guid(row.guid), since(row.created), limit(row.limit), blocked(std::move(blocked_)) {}
  const Id share;
  const Guid guid;
  const WallTime since;
  const std::uint64_t limit;
  const Blocked blocked;  // of its space
  std::atomic<bool> cut{false};
  std::atomic<unsigned> transfers{0};         // that are under way,
  std::atomic<std::uint64_t> sent{0};         // and how far into their files they are, all together
  std::atomic<unsigned> in_doubt{0};          // transfers that have gone out and are not known to be taken yet
  std::atomic<std::uint64_t> files_taken{0};  // as of the last record
  // How often everything was taken when its space last moved; at first no such number.
  std::atomic<std::uint64_t> shown_least{~std::uint64_t{0}};

  // Of a limited share, files that are on their way; from their first transfer to the end of the last.
  struct File {
    Parts taken;
    std::list<TransferLeg> on_their_way;
  };
  std::mutex mutex;
  std::unordered_map<Id, File, IdHash> files;
  // Of many nodes it is in the catalog that they stand; these are the ones of this node.
  std::vector<TransferLease> leases;
};
using LiveSharePtr = std::shared_ptr<LiveShare>;

// Thread-safe.
class Downloads {
 public:
  Downloads(Context& context, Registry& registry, Versions& versions, ShareBook& book)
      : context_(context), registry_(registry), versions_(versions), book_(book) {}

  struct Found {
    ShareRow row;
    LivePtr space;
    WallTime expires;
  };
  // Kind::not_found when unknown, Kind::gone when revoked or expired.
  Result<Found> find(std::string_view link);
  std::uint64_t files_held(std::string_view link);  // by its space; 0 when it opens nothing
  LinkEnd why_gone(std::string_view link);          // none: it is not
  // Of a space with so many files; Kind::gone when it is used up, 0 when there is no limit.
  Result<std::uint64_t> left(const ShareRow& row, std::uint64_t files) const;
  // Before a list of files is given, which may be had more often than the files: Kind::gone when the link is used up.
  Result<void> check_open(const ShareRow& row) const;
  Result<void> mark_opened(const Found& found);

  LiveSharePtr live(const Found& found);
  void cut(const Id& share);  // its running transfers
  void cut_limited();         // those of all limited shares: other nodes may have begun to count without them
  // Admits all legs of a limited share or none.
  Result<void> begin_transfer(LiveShare& live, const std::vector<TransferLeg>& legs);
  // `ahead`: how many bytes of the one leg were recorded before.
  void end_transfer(LiveShare& live, const std::vector<TransferLeg>& legs, const std::vector<TransferLeg>& taken,
                    std::uint64_t ahead);
  Result<void> record_ahead(LiveShare& live, const TransferLeg& leg, std::uint64_t from, std::uint64_t until);

  // What its owner sees of a download that is under way; nothing when none is.
  std::optional<wire::Fetching> fetching(const ShareRow& row);
  // By a transfer that was completed.
  void add_sent(const LiveShare& live, std::uint64_t bytes) { sent_.add(live.share, bytes); }
  // The first transfer of what takes a while: those who wait for a change are told.
  void begun(const Found& found, const LiveShare& live) {
    if (live.transfers == 1 && !sent_.of(live.share) && book_.bytes_held(live.guid).value_or(0) >= worth_watching)
      versions_.progress(*found.space);
  }

  // Its last bytes are going out, and whether they were taken is known in a moment.
  void begin_doubt(LiveShare& live);
  void end_doubt(LiveShare& live);  // tells those who wait for it; nothing has changed for anyone else
  bool in_doubt(const Guid& guid) const;
  std::optional<Guid> in_doubt(std::string_view link);  // of a limited link: its space

 private:
  static constexpr std::uint64_t worth_watching = 1'000'000;  // bytes; less is there before anybody has looked

  Result<ShareRow> row_of(std::string_view link) const;  // Kind::not_found
  Result<void> begin_leases(LiveShare& live, const std::vector<TransferLeg>& legs);
  std::vector<TransferLease> take_leases(LiveShare& live, const std::vector<TransferLeg>& legs);  // they are over
  Result<void> record(LiveShare& live, const std::vector<TransferLeg>& taken, std::uint64_t ahead,
                      const std::vector<TransferLease>& leases);

  Context& context_;
  Registry& registry_;
  Versions& versions_;
  ShareBook& book_;
  std::atomic<unsigned> in_doubt_{0};  // of all shares
  mutable std::mutex lives_mutex_;     // before it none of a LiveShare
  std::unordered_map<Id, std::weak_ptr<LiveShare>, IdHash> lives_;
  std::size_t prune_at_ = 64;
  SentBytes sent_;
};

tl::unexpected<Error> no_such_link();

}  // namespace qrx::space
