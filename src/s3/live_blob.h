// A blob that somebody has open on this node: what of it is in the store, and what is still on its way there.
// Private to src/s3.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "s3/spool.h"
#include "space/blobs.h"

namespace qrx::s3 {

struct Segment {
  space::Extent extent;
  std::shared_ptr<SpoolFile> file;  // until it is in the store
  std::uint64_t file_at = 0;
  bool stored = false;
  bool given = false;    // to the writer of the row
  bool alone = true;     // its object holds nothing else
  bool dropped = false;  // nobody will name it
};

// All under its mutex. Segments lie one after another from 0 on, the tail behind them.
struct LiveBlob {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::shared_ptr<Segment>> segments;
  std::shared_ptr<SpoolFile> tail;
  std::uint64_t tail_first = 0, tail_size = 0;
  std::string beginning;  // of the blob, which is looked at once it is whole
  bool loaded = false;    // what the rows told is known
  unsigned writers = 0;   // on this node

  static constexpr std::size_t most_beginning = 4096;

  std::uint64_t end() const { return tail_first + tail_size; }
  // The bytes at `offset` and behind: in a file of the spool, or in the store. Nothing: there are none.
  struct Place {
    std::shared_ptr<SpoolFile> file;
    std::uint64_t file_at = 0;
    space::Extent extent;      // without a file
    std::uint64_t within = 0;  // the extent
    std::uint64_t left = 0;    // bytes in this place
  };
  std::optional<Place> find(std::uint64_t offset) const;
  void reset_to(const space::Extents& extents);  // as the rows tell; nothing else is known any more
};

}  // namespace qrx::s3
