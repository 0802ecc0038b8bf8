// Who waits for which topic. A waiter costs no thread and no timer here: only its place in a table.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <mutex>
#include <unordered_map>

#include "wire/id.h"

namespace qrx::front {

class Parking {
 public:
  // One that can wait for one topic at a time. It must be removed before it is destroyed.
  class Waiter {
   public:
    Waiter() = default;
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    // Called under a lock of the parking, from the thread that notifies: must neither block nor call back.
    virtual void noticed() = 0;
    bool is_parked() const { return parked_; }  // asked by the waiter's own thread only

   protected:
    virtual ~Waiter() = default;

   private:
    friend class Parking;
    Id topic_;
    Waiter* next_ = nullptr;
    Waiter* previous_ = nullptr;
    bool parked_ = false;
  };

  // A notice after this has returned reaches the waiter. To lose none: add, look at the state, then rest.
  void add(const Id& topic, Waiter& waiter);
  void remove(Waiter& waiter);   // no notice comes after it
  void notify(const Id& topic);  // any thread; the waiters stay
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
