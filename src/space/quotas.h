// How much there is and may be: bytes and files of each space, bytes and spaces of the server.
// Private to src/space.
#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "space/context.h"
#include "space/live.h"

namespace qrx::space {

// Thread-safe. What counts in a space takes its SpaceLock; the lock of the totals is taken after it.
class Quotas {
 public:
  explicit Quotas(Context& context);

  // As the catalog has them, while nothing is in memory that it does not have. Kind::unavailable: nothing is taken
  // while they are not known.
  Result<void> know_totals();
  // One more space, if the server has room for it.
  Result<void> take_space();
  void give_back_space();
  Result<void> room_on_disk(std::uint64_t bytes) const;

  // If it fits, as a part of `delivery` (Id(): of none). `freed`: bytes that go when these come.
  Result<void> take(const SpaceLock&, LiveSpace& live, std::uint64_t bytes, Weight weight, const Id& delivery,
                    std::uint64_t freed = 0);
  void add(const SpaceLock&, LiveSpace& live, std::uint64_t bytes, Weight weight);  // is there already, fits or not
  void give_back(const SpaceLock&, LiveSpace& live, std::uint64_t bytes, Weight weight);

  // Room for what was announced, as far as its peer may hold it; what it had before is given up.
  Result<void> promise(const SpaceLock&, LiveSpace& live, LiveUpload& upload, std::uint64_t bytes,
                       const std::string& peer);
  void withdraw(const SpaceLock&, LiveSpace& live, LiveUpload& upload);
  // Bytes that are to be written next, of the promise first.
  Result<void> reserve(const SpaceLock&, LiveSpace& live, LiveUpload& upload, std::uint64_t bytes,
                       std::uint64_t freed = 0);
  void unreserve(const SpaceLock&, LiveSpace& live, const UploadPtr& upload, std::uint64_t bytes);
  void release(const SpaceLock&, LiveSpace& live, LiveUpload& upload);  // all that it holds: it is gone
  // Withdraws the promises of uploads that made no progress. Takes the lock of each space.
  void lapse_promises(const std::vector<LivePtr>& spaces);

 private:
  struct Wish {
    std::uint64_t bytes;
    Weight weight;
    const Id& delivery;
    std::uint64_t freed = 0;
  };
  // Kind::too_large: it can never fit. Kind::no_room_now: it does not fit beside what others have announced, or have
  // sent and not delivered yet. Kind::no_room: the server is full.
  Result<void> fits(const SpaceLock&, const LiveSpace& live, const Wish& wish);
  static Result<void> fits_in_space(const SpaceLock&, const LiveSpace& live, const Wish& wish);
  Result<void> read_totals();           // totals_mutex_ held: reads them unless they are known
  std::uint64_t most_in_total() const;  // likewise: bytes that the server and its disk can hold

  Context& context_;
  const std::uint64_t disk_reserve_;
  std::mutex totals_mutex_;
  bool totals_known_ = false;
  Steady totals_read_{};
  std::uint64_t spaces_ = 0;
  Ledger total_bytes_;
};

// The error of what a transaction did not take.
tl::unexpected<Error> refused(Taken why, const Limits& limits);

}  // namespace qrx::space
