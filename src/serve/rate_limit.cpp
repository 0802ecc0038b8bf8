#include "serve/rate_limit.h"

#include <algorithm>
#include <cmath>

#include "base/ip_address.h"

namespace qrx::serve {
namespace {

constexpr std::size_t most_addresses = 65536;

}  // namespace

// A bucket holds a minute's worth and fills steadily: after a rest, as many at once as a minute allows.
double RateLimit::filled(const Bucket& bucket, Steady now) const {
  const double seconds = std::chrono::duration<double>(now - bucket.at).count();
  const auto most = static_cast<double>(a_minute_);
  return std::min(most, bucket.level + seconds * most / 60);
}

std::optional<Seconds> RateLimit::take(std::string_view peer, Steady now, bool* first) {
  if (a_minute_ == 0 || peer.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (buckets_.size() >= most_addresses) {
    std::erase_if(buckets_,
                  [&](const auto& entry) { return filled(entry.second, now) >= static_cast<double>(a_minute_); });
    // Whoever has so many addresses is not held by this limit anyway.
    if (buckets_.size() >= most_addresses) buckets_.clear();
  }
  const auto [at, is_new] = buckets_.try_emplace(peer_key(peer), Bucket{static_cast<double>(a_minute_), now});
  Bucket& bucket = at->second;
  if (!is_new) bucket = {filled(bucket, now), now, bucket.refused};
  if (bucket.level >= 1) {
    bucket.level -= 1;
    bucket.refused = false;
    return std::nullopt;
  }
  if (first != nullptr) *first = !bucket.refused;
  bucket.refused = true;
  const double wait = (1 - bucket.level) * 60 / static_cast<double>(a_minute_);
  return Seconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(wait))));
}

}  // namespace qrx::serve
