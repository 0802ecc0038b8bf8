// The one moment by which a connection must have moved on.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "base/clock.h"
#include "front/timers.h"

namespace qrx::front {

// Set and cleared by the thread that runs the connection, looked at by the event loop. It is moved far more often than
// it passes, so a timer once set stays where it is: when it fires too early, it is set anew.
class Deadline {
 public:
  // `wake` makes the event loop look at the timers again. Both outlive it.
  Deadline(Timers& timers, const std::function<void()>& wake, std::uint64_t key)
      : timers_(timers), wake_(wake), key_(key) {}

  void set(Steady at) {
    at_.store(nanoseconds(at));
    if (nanoseconds(at) >= timer_at_.load()) return;  // the timer that is set will see it
    timer_at_.store(nanoseconds(at));
    if (timers_.add(at, key_)) wake_();
  }
  void clear() { at_.store(0); }

  // True, once, when it has passed.
  bool take(Steady now) {
    const auto at = at_.load();
    if (at == 0 || at > nanoseconds(now)) return false;
    clear();
    return true;
  }

  // The event loop: a timer of this key fired. True when the moment has come.
  bool timer_fired(Steady now) {
    timer_at_.store(INT64_MAX);
    const auto at = at_.load();
    if (at == 0) return false;
    if (at <= nanoseconds(now)) return true;
    timer_at_.store(at);
    timers_.add(Steady(Steady::duration(at)), key_);
    return false;
  }

 private:
  static std::int64_t nanoseconds(Steady time) { return time.time_since_epoch().count(); }

  Timers& timers_;
  const std::function<void()>& wake_;
  const std::uint64_t key_;
  std::atomic<std::int64_t> at_{0};                // steady nanoseconds; 0: none
  std::atomic<std::int64_t> timer_at_{INT64_MAX};  // the earliest timer that is known to be set
};

}  // namespace qrx::front
