// The time of the database, which all nodes agree on. Private to src/pg.
#pragma once

#include <atomic>

#include "base/clock.h"

namespace qrx::pg {

// Between two readings it goes on with the steady clock of this machine, whose wall clock is never asked. Thread-safe.
class DatabaseClock final : public Clock {
 public:
  Steady steady() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override {
    const auto since = std::chrono::duration_cast<Millis>(steady().time_since_epoch());
    return WallTime(since + Millis(ahead_.load(std::memory_order_relaxed)));
  }
  // The database said `time` between these two moments.
  void set(Millis time, Steady asked, Steady answered) {
    const Steady middle = asked + (answered - asked) / 2;
    ahead_ = (time - std::chrono::duration_cast<Millis>(middle.time_since_epoch())).count();
  }

 private:
  std::atomic<std::int64_t> ahead_{0};  // milliseconds, of the steady clock
};

}  // namespace qrx::pg
