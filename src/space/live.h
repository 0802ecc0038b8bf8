// What the rules hold in memory of the spaces in use: running uploads, deliveries that are still open, what counts for
// the quotas. The catalog has the truth of what was acknowledged; this has what is going on. Private to src/space.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "space/blobs.h"
#include "space/content.h"
#include "space/ledger.h"
#include "space/locks.h"
#include "space/model.h"
#include "space/text_memory.h"

namespace qrx::space {

enum class StopReason : std::uint8_t { none, newcomer, removed, stopping };

// The writer that has an upload, as the one that wants to be next sees it.
class ActiveWriter {
 public:
  virtual ~ActiveWriter() = default;
  virtual void give_way() = 0;  // LiveUpload::use is held, so it only waits for its client: what arrived is kept
};

// How many uploads each peer has begun in a space and not ended, from their first byte on. Thread-safe.
class BegunUploads {
 public:
  class Hold {  // one of them, for as long as it lives
   public:
    Hold(std::shared_ptr<BegunUploads> all, std::string peer);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    const std::shared_ptr<BegunUploads> all_;
    const std::string peer_;
  };
  std::uint64_t of(const std::string& peer) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::uint64_t> by_peer_;
};

// One upload that is not complete. Guarded by the mutex of its space, but for what says otherwise.
struct LiveUpload {
  explicit LiveUpload(std::shared_ptr<TextMemory::OfSpace> space) : memory(std::move(space)) {}
  UploadRow row;
  BlobKey former{};  // what `row.blob` is to replace with the next durable byte (UploadRow::spare)
  std::string peer;  // whose share its promise is
  std::shared_ptr<Growing> growing = std::make_shared<Growing>();
  std::uint64_t counted = 0;   // bytes taken of the quotas: those that arrived, and those its writer is about to write
  std::uint64_t promised = 0;  // bytes kept for it beyond these
  bool weighs = false;         // it is counted as a file, which it is from its first byte on
  std::unique_ptr<BegunUploads::Hold> begun;  // while it weighs. After a start nobody's, until somebody goes on with it
  bool promised_file = false;                 // before that: there is room for one
  std::uint64_t number = 0;                   // in LiveSpace::empty
  // When it was begun or got bytes last. Any thread.
  std::atomic<Steady> progress{};
  bool locked = false;     // by an UploadLock
  bool newcomer = false;   // a request waits to be the next
  bool untouched = false;  // made by this process, never locked by a writer: the first needs no new epoch. The holder's
  bool published = false;  // its blob is in the store, its file's row is not (a change failed): try the row again
  bool found_whole = false;  // by a start, beyond what was counted: it is completed whether it fits or not
  bool removed = false;
  std::atomic<StopReason> stop{StopReason::none};  // asked of the holder; any thread
  std::condition_variable released;
  Extents unnamed;  // of its blob, durable, but no row names them yet (a change failed). The holder's only
  // Held while the writer works, not while it waits for its client.
  std::mutex use;
  ActiveWriter* writer = nullptr;  // guarded by `use`
  // The running sum up to `summed`, kept between writers. Used by the holder only; anyone may look how far it got.
  Xxh128 sum;
  std::atomic<std::uint64_t> summed{0};
  TextMemory::Hold memory;  // of its name and metadata
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
  bool ahead = false;  // rows of it stand in the catalog, of a commit that is under way or has failed. The committer's
  Extents extents;     // for its row to name
};

struct LiveDelivery {
  explicit LiveDelivery(std::shared_ptr<TextMemory::OfSpace> space) : memory(std::move(space)) {}
  DeliveryRow row;
  std::string peer;         // who opened it; empty after a restart
  bool implicit = false;    // of one upload, which commits it
  bool committing = false;  // or being dropped: nothing is added to it any more
  Steady last_used;
  std::vector<FileRow> stored;  // complete uploads, in the catalog
  Pack pack;
  TextMemory::Hold memory;  // of its message and the names of its files
};

// Guarded by its SpaceLock, but for what says otherwise.
struct LiveSpace : SpaceLocks {
  LiveSpace(SpaceRow committed, std::shared_ptr<TextMemory> all)
      : row(std::move(committed)), memory(std::make_shared<TextMemory::OfSpace>(std::move(all), row.limits.max_size)) {}
  SpaceRow row;                            // as it is committed
  std::atomic<std::uint64_t> version{0};   // as readers see it; ahead of row.seq by progress
  std::uint64_t issued = 0;                // the highest version that a transaction was given, committed or not
  std::atomic<std::uint64_t> compared{0};  // of many nodes: the version at which this was compared with the catalog
  Ledger bytes, files, manifests, parts;   // of the quotas
  Ledger texts;                            // likewise: bytes of names, and of the messages of what is committed
  Use arriving;                            // taken of these by batches that are not recorded yet
  // Uploads without a byte, by the order of their creation.
  std::map<std::uint64_t, std::shared_ptr<LiveUpload>> empty;
  std::uint64_t next_number = 1;
  std::unordered_map<Id, std::shared_ptr<LiveUpload>, IdHash> uploads;
  std::unordered_map<Id, std::shared_ptr<LiveDelivery>, IdHash> open;
  const std::shared_ptr<BegunUploads> begun = std::make_shared<BegunUploads>();
  Steady last_progress{};                             // when it moved the version
  std::atomic<bool> blocked{false};                   // as the phase says, for readers of its content; any thread
  const std::shared_ptr<TextMemory::OfSpace> memory;  // of the names and messages of what is not committed

  void weigh(Weight weight);  // one more file, counted as used
  std::uint64_t files_held() const { return files.used + manifests.used; }
  bool idle() const;  // nothing that the catalog does not have; only when nobody else has it
};

// What of the quotas is taken by what is not delivered yet and may come to nothing: unfinished uploads, and the files
// of open deliveries. Without what belongs to `but` (Id(): parts of files, which belong to none) and, unless `parts`,
// any parts.
Use on_its_way(const SpaceLock&, const LiveSpace& live, const std::optional<Id>& but = {}, bool parts = true);

using LivePtr = std::shared_ptr<LiveSpace>;
using UploadPtr = std::shared_ptr<LiveUpload>;
using DeliveryPtr = std::shared_ptr<LiveDelivery>;

// For a reader of its content; keeps it in memory.
inline Blocked blocked_of(const LivePtr& live) {
  return {live, &live->blocked};
}

// A space as the catalog has it, with nothing going on.
LivePtr to_live(const SpaceState& state, Steady now, const std::shared_ptr<TextMemory>& memory);

// What other nodes have changed since. Locked uploads, and deliveries that are being committed, are left to those
// who work on them. Gives the uploads that are gone; what was promised to them is still to be withdrawn.
std::vector<UploadPtr> compare(const SpaceLock&, LiveSpace& live, const SpaceState& state, Steady now);

}  // namespace qrx::space
