#include "front/connection_table.h"

#include <algorithm>
#include <utility>

namespace qrx::front {

std::uint64_t ConnectionTable::next_key() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t slot = free_.back();
  return (static_cast<std::uint64_t>(slots_[slot].generation) << 32) | slot;
}

Connection& ConnectionTable::put(std::unique_ptr<Connection> connection) {
  auto& place = slots_[static_cast<std::uint32_t>(connection->key())];
  free_.pop_back();
  place.connection = std::move(connection);
  return *place.connection;
}

Connection* ConnectionTable::find(std::uint64_t key) {
  const auto slot = static_cast<std::uint32_t>(key);
  if (slot >= slots_.size() || slots_[slot].generation != key >> 32) return nullptr;
  return slots_[slot].connection.get();
}

void ConnectionTable::free(std::span<Connection* const> ended) {
  for (Connection* const connection : ended) {
    const auto slot = static_cast<std::uint32_t>(connection->key());
    slots_[slot].connection.reset();
    // Timers and events of the old connection still name the old key.
    ++slots_[slot].generation;
    free_.push_back(slot);
  }
}

std::vector<Connection*> ConnectionTable::longest_resting(std::size_t most) {
  std::vector<std::pair<std::int64_t, Connection*>> resting;
  for_each([&resting](Connection& connection) {
    if (const auto since = connection.resting_since(); since != 0) resting.emplace_back(since, &connection);
  });
  const auto count = std::min(most, resting.size());
  std::partial_sort(resting.begin(), resting.begin() + static_cast<std::ptrdiff_t>(count), resting.end());
  std::vector<Connection*> longest;
  for (std::size_t i = 0; i < count; ++i) longest.push_back(resting[i].second);
  return longest;
}

}  // namespace qrx::front
