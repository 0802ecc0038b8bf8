// Requests to the store: how many, what was answered, how long that took. Private to src/s3.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string_view>

#include "base/measure.h"

namespace qrx::s3 {

// Thread-safe.
class RequestCounts {
 public:
  void add(std::string_view method, long status, double seconds);  // 0: no answer
  void measure(Measures& to) const;

 private:
  struct Kind {
    std::array<std::uint64_t, 6> by_class{};  // no answer, 1xx (there are none), 2xx, ... 5xx
    double seconds = 0;
  };
  mutable std::mutex mutex_;
  std::array<Kind, 4> kinds_;
};

}  // namespace qrx::s3
