// How the sources of a delivery make up its items, which are what a server knows of it as files.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "send/sources.h"

namespace qrx::send {

// An item is one source, or a pack: several small ones, sealed one after the other, so that one header, one request and
// one entry at the server serve them all. Sources are named by their places in the list. Immutable; any number of
// threads.
class Items {
 public:
  explicit Items(std::size_t sources);  // each by itself
  // Small files together, as many as one item may hold, and everything else by itself; each by itself where they are
  // few. It follows from order and sizes, so that a second run makes the same items.
  static Items packed(const SourceList& list);

  std::size_t count() const { return ends_.size(); }
  std::span<const std::size_t> sources(std::size_t item) const;  // at least one
  std::size_t first_source(std::size_t item) const { return sources(item).front(); }
  bool is_pack(std::size_t item) const { return sources(item).size() > 1; }
  bool has_packs() const { return count() < order_.size(); }

 private:
  std::vector<std::size_t> order_;  // the sources, item by item
  std::vector<std::size_t> ends_;   // of each item in order_
};

}  // namespace qrx::send
