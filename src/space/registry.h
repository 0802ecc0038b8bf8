// The spaces in use, and who may enter them.
// Private to src/space.
#pragma once

#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "space/context.h"
#include "space/live.h"
#include "space/quotas.h"

namespace qrx::space {

// Thread-safe.
class Registry {
 public:
  Registry(Context& context, Quotas& quotas) : context_(context), quotas_(quotas) {}

  Result<LivePtr> find(const Guid& guid);  // null when there is none
  void forget(const Guid& guid);           // it was deleted
  std::vector<LivePtr> all();              // of those in memory

  // For a sender, whom no token tells apart from a stranger: Kind::not_found when unknown or expired.
  Result<LivePtr> enter(const Guid& guid);
  // For a holder of a token in it: Kind::not_found when unknown, Kind::gone when expired.
  Result<LivePtr> enter_by_token(const Guid& guid);
  // For the owner: Kind::not_found when unknown or the token is wrong, by the same work.
  Result<LivePtr> enter(const Guid& guid, std::string_view token);

  bool expired(const SpaceLock&, const LiveSpace& live) const;
  Result<void> still_open(const SpaceLock&, const LiveSpace& live) const;  // neither expired nor dying
  // Of several files, not committed. Kind::not_found, or as still_open().
  Result<DeliveryPtr> open_delivery(const SpaceLock&, const LiveSpace& live, const Id& delivery) const;

 private:
  void make_room();  // mutex_ held
  // Of many nodes: it is as the catalog has it now. Null: it is gone.
  Result<LivePtr> up_to_date(LivePtr live);

  Context& context_;
  Quotas& quotas_;
  std::mutex mutex_;
  std::unordered_map<Guid, LivePtr, IdHash> lives_;
  std::uint64_t forgotten_ = 0;  // grows when one leaves `lives_`: what was read of it before may be old
};

}  // namespace qrx::space
