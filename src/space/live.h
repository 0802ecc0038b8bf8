// What the rules hold in memory of the spaces in use: quotas, running uploads, deliveries that are still open. The
// catalog has the truth of what was acknowledged; this has what is going on. Private to src/space.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <stop_token>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "space/ledger.h"
#include "space/open_packs.h"
#include "space/spaces.h"

namespace qrx::space {

// The bytes of an upload as its readers see them. Outlives the upload as long as somebody reads.
struct Growing {
  static constexpr std::uint64_t unknown = ~std::uint64_t{0};
  std::atomic<std::uint64_t> arrived{0};
  std::atomic<std::uint64_t> length{unknown};
  std::atomic<Content::Growth> growth{Content::Growth::growing};
};

class Writer;

// What something counts for in the limit of files. The manifest of a sealed delivery is no file of it, but there cannot
// be more of them than files.
// Parts of a concatenation are no files either, but each is one in the store.
struct Weight {
  std::uint64_t files = 0, manifests = 0, parts = 0;
};
inline Weight weight_of(std::string_view name) {
  return name == wire::manifest_name ? Weight{0, 1, 0} : Weight{1, 0, 0};
}
inline Weight weight_of(const UploadRow& row) {
  return row.partial ? Weight{0, 0, 1} : weight_of(row.name);
}

enum class StopReason : std::uint8_t { none, newcomer, removed, stopping };

// One upload that is not complete. Guarded by the mutex of its space, but for what says otherwise.
struct LiveUpload {
  UploadRow row;
  std::string peer;  // whose share its promise is
  std::shared_ptr<Growing> growing = std::make_shared<Growing>();
  std::uint64_t counted = 0;   // bytes taken of the quotas: those that arrived, and those its writer is about to write
  std::uint64_t promised = 0;  // bytes kept for it beyond these
  bool weighs = false;         // it is counted as a file, which it is from its first byte on
  bool promised_file = false;  // before that: there is room for one
  std::uint64_t number = 0;    // in LiveSpace::empty
  // When it was begun or got bytes last. Any thread.
  std::atomic<Steady> progress{};
  bool held = false;       // there is a writer
  bool newcomer = false;   // a request waits to be the next
  bool untouched = false;  // made by this process, never held by a writer: the first needs no new epoch. The holder's
  bool published = false;  // its blob is in the store, its file's row is not (a change failed): try the row again
  bool removed = false;
  std::atomic<StopReason> stop{StopReason::none};  // asked of the holder; any thread
  std::condition_variable released;
  // Held while the writer works, not while it waits for its client. Taken before the gate and the mutex of the space.
  std::mutex use;
  Writer* writer = nullptr;  // guarded by `use`
  // The running sum up to `summed`, kept between writers. Used by the holder only.
  Xxh128 sum;
  std::uint64_t summed = 0;
};

// The small files of an open delivery, one after another in one blob whose key is the delivery's id. They are in memory
// and in staging only, until the commit writes them down. What was replaced stays in the blob, and in the quotas, until
// then. Guarded by the mutex of the space.
struct Pack {
  bool made = false;      // there is a blob
  std::uint64_t end = 0;  // where the next file goes: bytes of the blob, all taken of the quotas
  std::map<std::string, FileRow, std::less<>> files;
  unsigned writing = 0;
  std::condition_variable written;
  bool durable = false, published = false;
};

struct LiveDelivery {
  DeliveryRow row;
  std::string peer;  // who opened it; empty after a restart
  bool lone = false;
  bool committing = false;  // or being dropped: nothing is added to it any more
  Steady last_used;
  std::vector<FileRow> stored;  // complete uploads, in the catalog
  Pack pack;
};

struct LiveSpace {
  // Never held while waiting for a sync or for the catalog.
  std::mutex mutex;
  // Held shared by what adds to the space from its check to its row, exclusively by what removes from it.
  // Taken before `mutex`.
  std::shared_mutex gate;

  SpaceRow row;
  std::atomic<std::uint64_t> seq{0};      // as readers see it; ahead of row.seq by the ticks of progress
  Ledger bytes, files, manifests, parts;  // of the quotas
  // Uploads without a byte, by the order of their creation.
  std::map<std::uint64_t, std::shared_ptr<LiveUpload>> empty;
  std::uint64_t next_number = 1;
  std::unordered_map<Id, std::shared_ptr<LiveUpload>, IdHash> uploads;
  std::unordered_map<Id, std::shared_ptr<LiveDelivery>, IdHash> open;
  Steady last_tick{};

  void weigh(Weight weight);  // one more file, counted as used
  bool idle() const;          // nothing that the catalog does not have; only when nobody else has it
};

using LivePtr = std::shared_ptr<LiveSpace>;
using UploadPtr = std::shared_ptr<LiveUpload>;
using DeliveryPtr = std::shared_ptr<LiveDelivery>;

// The rules themselves; Spaces is their outside.
struct Rules {
  Rules(Catalog& catalog_, Blobs& blobs_, Clock& clock_, Events& events_, Policy policy_);

  Catalog& catalog;
  Blobs& blobs;
  Clock& clock;
  Events& events;
  const Policy policy;
  const std::uint64_t reserve;  // of disk space

  std::mutex lives_mutex;
  std::unordered_map<Guid, LivePtr, IdHash> lives;
  std::uint64_t forgotten = 0;  // grows when one leaves `lives`: what was read of it before may be old

  std::mutex removing_mutex;
  std::unordered_multiset<Id, IdHash> removing;  // blobs whose rows go before them: no orphans

  // Of all spaces. Nothing is taken while they are not known.
  std::mutex totals_mutex;
  bool totals_known = false;
  std::uint64_t spaces = 0;
  Ledger total_bytes;

  OpenPacks packs;
  std::atomic<bool> stopping{false};
  std::mutex sweep_mutex;

  // Kind::unavailable once the server, or who asked for this work, wants it to end.
  Result<void> go_on(const std::stop_token& stop) const;
  Durability durable() const { return policy.relaxed ? Durability::lazy : Durability::durable; }

  // --- live.cpp: finding spaces, rights, quotas, seq
  Result<LivePtr> find(const Guid& guid);  // null when there is none
  void make_room();                        // lives_mutex held
  void forget(const Guid& guid);
  // For a sender, who has no token to tell him apart from a stranger: Kind::not_found when unknown or expired.
  Result<LivePtr> enter(const Guid& guid);
  // For who holds a token in it: Kind::not_found when unknown, Kind::gone when expired.
  Result<LivePtr> enter_by_token(const Guid& guid);
  // For the owner: Kind::not_found when unknown or the token is wrong, by the same work.
  Result<LivePtr> enter(const Guid& guid, std::string_view token);
  bool expired(const LiveSpace& live) const;             // takes no lock: mutex held
  Result<void> still_open(const LiveSpace& live) const;  // mutex held: neither expired nor dying

  // --- quotas.cpp; the mutex of the space is held, and totals_mutex is taken after it
  Result<void> know_totals();           // totals_mutex held: reads them unless they are known
  std::uint64_t most_in_total() const;  // totals_mutex held: bytes that the server and its disk can hold
  Result<void> room_on_disk(std::uint64_t bytes) const;  // takes no lock
  // Whether there is room in all quotas. `freed`: bytes that go when these come.
  Result<void> fits(const LiveSpace& live, std::uint64_t bytes, Weight weight, std::uint64_t freed = 0);
  Result<void> take(LiveSpace& live, std::uint64_t bytes, Weight weight, std::uint64_t freed = 0);  // if it fits
  void add(LiveSpace& live, std::uint64_t bytes, Weight weight);  // what is there already, whether it fits or not
  void give_back(LiveSpace& live, std::uint64_t bytes, Weight weight);
  // Room for what was announced, as far as its peer may hold it; what it had before is given up.
  Result<void> promise(LiveSpace& live, LiveUpload& upload, std::uint64_t bytes, const std::string& peer);
  void withdraw(LiveSpace& live, LiveUpload& upload);
  // Bytes that are to be written next, of the promise first.
  Result<void> claim(LiveSpace& live, LiveUpload& upload, std::uint64_t bytes, std::uint64_t freed = 0);
  void unclaim(LiveSpace& live, const UploadPtr& upload, std::uint64_t bytes);
  void release(LiveSpace& live, LiveUpload& upload);  // all that it holds: it is gone
  void lapse_promises();                              // of what made no progress. Takes the locks itself

  std::uint64_t next_seq(const LiveSpace& live) const;  // mutex held
  // Inside a transaction: the next seq into the row, and the row into the catalog. `edit` changes the row before.
  void bump(LiveSpace& live, Transaction& transaction, const std::function<void(SpaceRow&)>& edit = nullptr);
  void announce(LiveSpace& live);  // after the commit of a bump
  void tick(LiveSpace& live);      // progress, in memory only: at most five times a second
  void touch(LiveSpace& live);     // a change that is not worth a row: at once, in memory only

  // --- uploads.cpp
  Result<UploadPtr> find_upload(LiveSpace& live, const Id& upload);  // mutex held
  Result<UploadPtr> hold(LiveSpace& live, const Id& upload);         // takes its lock, waiting if need be
  void let_go(LiveSpace& live, LiveUpload& upload);
  struct Wish {
    const NewUpload& upload;
    const std::string& peer;
    bool at_once = false;           // all its bytes come now: they are taken, not promised
    std::uint64_t bytes_freed = 0;  // of parts that this one replaces
  };
  Result<UploadPtr> begin_upload(LiveSpace& live, const Wish& wish);  // the gate is held shared
  // The holder, all bytes there and durable: makes the file, commits a lone delivery. The gate is held shared. The
  // parts that it was made of go with it.
  Result<FileRow> complete(LiveSpace& live, const UploadPtr& upload, const std::vector<UploadPtr>& parts = {},
                           const std::stop_token& stop = {});
  // The holder: reads what the running sum lacks.
  Result<void> sum_up_to(LiveUpload& upload, std::uint64_t end, const std::stop_token& stop = {});
  void spoil(LiveSpace& live, LiveUpload& upload);  // its bytes can no longer be trusted
  // Forgets an upload, rows and blob. Nobody may add to it meanwhile: the gate is held exclusively, or shared by who
  // holds the upload.
  Result<void> drop_upload(LiveSpace& live, const UploadPtr& upload, Durability how);
  // Too many uploads without a byte: the oldest that may yield, which the caller then holds. Null when there is room.
  // Kind::too_many when none may. The mutex is held.
  Result<UploadPtr> find_yielding(LiveSpace& live, const std::string& peer);
  Result<FileRow> completed_upload(const LiveSpace& live, const Id& upload);  // Kind::not_found
  Result<bool> end_upload(LiveSpace& live, const Id& upload);                 // false: it is complete. Takes the gate

  // --- deliveries.cpp
  // Nobody may add to it meanwhile: the gate is held exclusively, or shared by who has set `committing` and holds its
  // uploads.
  Result<void> drop_delivery(LiveSpace& live, const DeliveryPtr& delivery, Durability how);
  // Kind::conflict once it is committed. Takes the gate.
  Result<void> end_delivery(LiveSpace& live, const Id& delivery, bool by_owner);
  // Too many open deliveries: the one that may yield, as drop_delivery wants it. Null when there is room.
  // Kind::too_many when none may. The mutex is held.
  Result<DeliveryPtr> find_yielding_delivery(LiveSpace& live, const std::string& peer);
  // Durable and published, unless it has been before. Files of a pack that cannot be kept are forgotten.
  Result<void> keep_pack(LiveSpace& live, LiveDelivery& delivery);
  // Moves the files of a pack together over what was replaced, and shortens its blob. Nobody writes into it.
  Result<void> compact_pack(LiveSpace& live, LiveDelivery& delivery, Staged& staged);
  struct SmallPlace {
    DeliveryPtr delivery;
    std::shared_ptr<Staged> staged;  // null: the same file is there already
    Weight weight;                   // taken for it
  };
  Result<SmallPlace> place_small(LiveSpace& live, FileRow& file);
  Result<DeliveryPtr> begin_commit(LiveSpace& live, const Id& delivery, std::unique_lock<std::mutex>& lock);
  Result<std::vector<UploadPtr>> hold_leftovers(LiveSpace& live, const LiveDelivery& delivery, bool all_there);
  Result<void> write_commit(LiveSpace& live, const DeliveryPtr& delivery, const std::vector<UploadPtr>& leftovers);
  Result<DeliveryPtr> find_delivery(LiveSpace& live, const Id& delivery) const;            // an open one; mutex held
  Result<wire::DeliveryState> committed_state(const LiveSpace& live, const Id& delivery);  // Kind::not_found
  // Removes a stored file that the same delivery has again by now. The gate is held shared.
  void drop_replaced(LiveSpace& live, const FileRow& file);
  void drop_pack(LiveSpace& live, LiveDelivery& delivery);

  // --- housekeeping.cpp
  // Marks dying, unlinks, deletes the rows. `only_expired`: nothing happens (0 bytes, no error) to one that is not.
  struct Erased {
    bool done = false;
    std::uint64_t bytes = 0;
  };
  // With `deliveries`: only while so many are committed; else Kind::conflict.
  Result<Erased> erase(const Guid& guid, bool only_expired, std::optional<std::uint64_t> deliveries = {});
  // Those past `now`, and those whose deletion was begun. Goes on after one that fails.
  Result<void> erase_expired(WallTime now, Spaces::Swept& swept, const std::stop_token& stop);
  struct BlobSizes {
    std::unordered_map<Id, std::uint64_t, IdHash> staged, stored;
  };
  Result<void> recover_upload(const UploadRow& row, const BlobSizes& there, Spaces::Recovered& recovered,
                              const std::stop_token& stop);
  Result<void> sweep_upload(const UploadRow& row, WallTime now, Spaces::Swept& swept);
  Result<void> sweep_delivery(const DeliveryRow& row);
  Result<void> check_file(const FileRow& file, Spaces::Checked& checked,
                          const std::function<void(const std::string&)>& tell, const std::stop_token& stop);
  // Goes on after a blob that cannot be handled; each is told in `failures`.
  Result<std::uint64_t> set_orphans_aside(bool starting, std::vector<std::string>& failures,
                                          const std::stop_token& stop);
};

// While it lives, these blobs are not taken for orphans. Made before their rows are deleted, gone after they are.
class Removing {
 public:
  Removing(Rules& rules, std::vector<Id> blobs) : rules_(rules), blobs_(std::move(blobs)) {
    const std::lock_guard lock(rules_.removing_mutex);
    rules_.removing.insert(blobs_.begin(), blobs_.end());
  }
  ~Removing() {
    const std::lock_guard lock(rules_.removing_mutex);
    for (const Id& blob : blobs_) rules_.removing.erase(rules_.removing.find(blob));
  }
  Removing(const Removing&) = delete;
  Removing& operator=(const Removing&) = delete;

 private:
  Rules& rules_;
  const std::vector<Id> blobs_;
};

struct Spaces::Impl : Rules {
  using Rules::Rules;
};

// A file's bytes, read from its blob piece by piece; `take` gets each piece, and its error ends the reading.
// Kind::integrity when the blob is too short. `rules` and `stop` are asked before each piece (Rules::go_on).
Result<void> read_through(const Rules& rules, const Opened& blob, std::uint64_t offset, std::uint64_t size,
                          const std::function<Result<void>(ByteView)>& take, const std::stop_token& stop);

// For readers; url members are empty.
std::vector<wire::DeliveryInfo> infos_of(std::vector<CommittedPage::Delivery> deliveries);

tl::unexpected<Error> no_such_space();
tl::unexpected<Error> no_such_upload();
tl::unexpected<Error> no_such_delivery();

}  // namespace qrx::space
