// How often one address may do something in a minute: a bucket that fills steadily, for each address.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"

namespace qrx::serve {

// Thread-safe. At most 65,536 addresses are remembered; when there are more, the ones with full buckets are forgotten,
// and if that is not enough, all: the limit never costs memory without bound.
class RateLimit {
 public:
  explicit RateLimit(std::uint64_t a_minute) : a_minute_(a_minute) {}  // 0: no limit

  // Takes one; when there is none, how long to wait for the next. IPv6 addresses count by their /64. An empty peer (a
  // Unix socket) is not limited.
  // `first`: whether it is the first refusal since one was taken.
  std::optional<Seconds> take(std::string_view peer, Steady now, bool* first = nullptr);

 private:
  struct Bucket {
    double level;
    Steady at;
    bool refused = false;
  };
  double filled(const Bucket& bucket, Steady now) const;

  const std::uint64_t a_minute_;
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace qrx::serve
