#include "front/peer_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "base/ip_address.h"

namespace qrx::front {
namespace {

// A browser opens six connections; a household behind one address has several.
constexpr std::size_t least_share = 16;
constexpr std::size_t connections_per_transfer = 3;
constexpr std::size_t reserve_fds = 96;   // files, database, listeners, beside the connections
constexpr std::size_t many_fds = 10'000;  // above so many, a quarter is left to open files

}  // namespace

std::size_t connections_that_fit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 512;
  if (limit.rlim_cur < limit.rlim_max) {
    const rlimit raised{limit.rlim_max, limit.rlim_max};
    if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  }
  const auto fds = static_cast<std::size_t>(std::min<rlim_t>(limit.rlim_cur, 1U << 20));
  const std::size_t reserve = reserve_fds + (fds > many_fds ? (fds - many_fds) / 4 : 0);
  return fds > reserve + 16 ? fds - reserve : 16;
}

PeerLimits::Hold::Hold(Hold&& other) noexcept
    : limits_(std::exchange(other.limits_, nullptr)), key_(std::move(other.key_)), what_(other.what_) {}

PeerLimits::Hold& PeerLimits::Hold::operator=(Hold&& other) noexcept {
  drop();
  limits_ = std::exchange(other.limits_, nullptr);
  key_ = std::move(other.key_);
  what_ = other.what_;
  return *this;
}

void PeerLimits::Hold::drop() {
  if (limits_ != nullptr) std::exchange(limits_, nullptr)->give_back(key_, what_);
}

void PeerLimits::set_limits(std::size_t most, std::size_t most_of_one) {
  const std::lock_guard lock(mutex_);
  most_ = most;
  most_of_one_ = most_of_one;
}

std::size_t PeerLimits::share_of(std::string_view peer) const {
  if (most_of_one_ > 0) return most_of_one_;
  // A proxy on this machine that is not named as trusted looks like one client.
  return std::max(is_loopback_address(peer) ? most_ / 4 * 3 : most_ / 4, least_share);
}

PeerLimits::Hold PeerLimits::take(std::string_view peer, What what, std::size_t extra) {
  Hold hold;
  // By what one client can have of addresses (peer_key): of IPv6 a whole network, not one address of it.
  std::string key = peer_key(peer);
  const std::lock_guard lock(mutex_);
  if (all_ >= most_ + extra) return hold;
  if (!key.empty()) {
    const std::size_t share = share_of(peer);
    Held& held = held_[key];
    const bool has_its_share = what == What::connection
                                   ? held.connections >= share
                                   : held.transfers >= std::max<std::size_t>(share / connections_per_transfer, 1);
    if (has_its_share) return hold;  // so there is something held: the entry goes with that
    ++(what == What::connection ? held.connections : held.transfers);
  }
  ++all_;
  hold.limits_ = this;
  hold.key_ = std::move(key);
  hold.what_ = what;
  return hold;
}

PeerLimits::Hold PeerLimits::take_anyway(What what) {
  Hold hold;
  const std::lock_guard lock(mutex_);
  ++all_;
  hold.limits_ = this;
  hold.what_ = what;
  return hold;
}

bool PeerLimits::is_full() const {
  const std::lock_guard lock(mutex_);
  return all_ >= most_;
}

void PeerLimits::give_back(const std::string& key, What what) {
  const std::lock_guard lock(mutex_);
  --all_;
  if (key.empty()) return;
  const auto held = held_.find(key);
  --(what == What::connection ? held->second.connections : held->second.transfers);
  if (held->second.connections + held->second.transfers == 0) held_.erase(held);
}

}  // namespace qrx::front
