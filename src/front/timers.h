// Times at which something is to be looked at. Whoever is named decides then whether it was still meant.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <queue>
#include <vector>

#include "base/clock.h"

namespace qrx::front {

// Thread-safe.
class Timers {
 public:
  // True when it is now the first of all: whoever sleeps until then has to be woken.
  bool add(Steady at, std::uint64_t key) {
    const std::lock_guard lock(mutex_);
    const bool first = queue_.empty() || at < queue_.top().at;
    queue_.push({at, key});
    return first;
  }
  std::optional<Steady> first() {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) return std::nullopt;
    return queue_.top().at;
  }
  // The keys whose time has come.
  void take_due(Steady now, std::vector<std::uint64_t>& keys) {
    const std::lock_guard lock(mutex_);
    while (!queue_.empty() && queue_.top().at <= now) {
      keys.push_back(queue_.top().key);
      queue_.pop();
    }
  }

 private:
  struct Entry {
    Steady at;
    std::uint64_t key;
    bool operator>(const Entry& other) const { return at > other.at; }
  };
  std::mutex mutex_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue_;
};

}  // namespace qrx::front
