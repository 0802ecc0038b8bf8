// Who waits for which topic. A waiter costs no thread and no timer here: only its place in a table.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "wire/id.h"

namespace qrx::front {

// Thread-safe. Sixteen locks, each for the topics whose last byte names it; none is held with another, and nothing that
// is called under one may take a lock of the rules or of a connection.
class WaiterList {
 public:
  // One that can wait for one topic at a time. It must be removed before it is destroyed.
  class Waiter {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    // Called under a lock of the list, from the thread that wakes: must neither block nor call back.
    virtual void woken() = 0;
    bool is_waiting() const { return waiting_; }  // asked by the waiter's own thread only

   protected:
    virtual ~Waiter() = default;

   private:
    friend class WaiterList;
    Id topic_;
    Waiter* next_ = nullptr;
    Waiter* previous_ = nullptr;
    bool waiting_ = false;
  };

  // A wake-up after this has returned reaches the waiter. To lose none: add, look at the state, then rest.
  void add(const Id& topic, Waiter& waiter);
  void remove(Waiter& waiter);  // no wake-up comes after it
  void wake(const Id& topic);   // any thread; the waiters stay
  void wake_all();              // likewise, those of all topics
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

 private:
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Id, Waiter*, IdHash> first;  // of a list
  };
  Shard& shard_of(const Id& topic) { return shards_[topic.bytes[15] % shards_.size()]; }

  std::array<Shard, 16> shards_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace qrx::front
