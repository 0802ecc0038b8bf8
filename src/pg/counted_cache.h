// Spaces that were read lately, each with the count of its changes: as good as new while that has not grown. Private to
// src/pg.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>

#include "space/model.h"

namespace qrx::pg {

// Thread-safe.
class CountedCache {
 public:
  struct Entry {
    std::shared_ptr<const space::SpaceState> state;
    std::int64_t changes = 0;
  };
  explicit CountedCache(std::size_t most_rows) : most_rows_(most_rows) {}

  std::optional<Entry> find(const Guid& guid);
  void keep(const Guid& guid, Entry entry);  // unless a later one is kept
  void forget(const Guid& guid);

 private:
  struct Kept {
    Entry entry;
    std::list<Guid>::iterator place;
  };
  void drop(std::unordered_map<Guid, Kept, IdHash>::iterator at);

  const std::size_t most_rows_;
  std::mutex mutex_;
  std::unordered_map<Guid, Kept, IdHash> kept_;
  std::list<Guid> by_use_;  // the latest first
  std::size_t rows_ = 0;
};

}  // namespace qrx::pg
