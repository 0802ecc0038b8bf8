// All connections of a server, by the key that events and timers know them by.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "front/connection.h"

namespace qrx::front {

// Only for the thread of the event loop.
class ConnectionTable {
 public:
  // The key of the next connection; put() takes the place.
  std::uint64_t next_key();
  Connection& put(std::unique_ptr<Connection> connection);

  Connection* find(std::uint64_t key);  // null: it is gone
  void free(std::span<Connection* const> ended);
  void clear() { slots_.clear(); }

  template <class F>
  void for_each(F&& visit) {
    for (auto& slot : slots_)
      if (slot.connection != nullptr) visit(*slot.connection);
  }
  // Those that rest the longest between requests, at most so many.
  std::vector<Connection*> longest_resting(std::size_t most);

 private:
  // A connection's key is its slot and the slot's generation, so that late events of a closed one find nothing.
  struct Slot {
    std::unique_ptr<Connection> connection;
    std::uint32_t generation = 0;
  };

  std::deque<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace qrx::front
