// The spaces that were read lately, kept current by the changes that are committed. Private to src/store.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "space/model.h"

namespace qrx::store {

// What one transaction changed, to be repeated on cached spaces once it is committed.
class ChangeLog {
 public:
  using Edit = std::function<void(space::SpaceState&)>;
  void add(const Guid& guid, Edit edit);  // an empty edit: too much to repeat, forget the space
  std::size_t mark() const { return entries_.size(); }
  void back_to(std::size_t mark) { entries_.resize(mark); }

 private:
  friend class SpaceCache;
  struct Entry {
    Guid guid;
    Edit edit;
  };
  std::vector<Entry> entries_;
};

// Thread-safe.
class SpaceCache {
 public:
  SpaceCache(std::size_t most_spaces, std::size_t most_rows) : most_spaces_(most_spaces), most_rows_(most_rows) {}

  // The space, or null and a load that was begun: finish_load must follow. Changes committed meanwhile keep what was
  // loaded from being kept.
  std::shared_ptr<const space::SpaceState> find_or_begin_load(const Guid& guid);
  void finish_load(const Guid& guid, std::shared_ptr<const space::SpaceState> state);  // null: nothing was found

  void committed(const ChangeLog& log);  // in the order of the commits
  void forget_all() noexcept;            // when committed() threw: what is kept may be old

 private:
  struct Kept {
    std::shared_ptr<const space::SpaceState> state;
    std::list<Guid>::iterator place;
  };
  struct Load {
    unsigned readers = 0;
    bool stale = false;
  };
  void keep(const Guid& guid, std::shared_ptr<const space::SpaceState> state);
  void drop(const Guid& guid);

  const std::size_t most_spaces_, most_rows_;
  std::mutex mutex_;
  std::unordered_map<Guid, Kept, IdHash> kept_;
  std::list<Guid> by_use_;  // the latest first
  std::unordered_map<Guid, Load, IdHash> loads_;
  std::size_t rows_ = 0;
};

}  // namespace qrx::store
