// The packs that are being filled (small files of open deliveries), as far as they are open. Private to src/space.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "space/blobs.h"

namespace qrx::space {

// Thread-safe. The latest used stay open and the others are opened again when they are needed: however many deliveries
// are left open, they hold no more descriptors than this. One delivery is asked for by one thread at a time.
class OpenPacks {
 public:
  OpenPacks(Blobs& blobs, std::size_t most) : blobs_(blobs), most_(most) {}

  Result<std::shared_ptr<Staged>> make(const Id& delivery);  // Kind::exists if there is one
  Result<std::shared_ptr<Staged>> open(const Id& delivery);
  void forget(const Id& delivery);

 private:
  struct Pack {
    Id delivery;
    std::shared_ptr<Staged> staged;
  };
  std::shared_ptr<Staged> keep(const Id& delivery, std::unique_ptr<Staged> staged);

  Blobs& blobs_;
  const std::size_t most_;
  std::mutex mutex_;
  std::list<Pack> by_use_;  // the latest first
  std::unordered_map<Id, std::list<Pack>::iterator, IdHash> place_;
};

}  // namespace qrx::space
