// The data directory of one server, opened: lock, catalog, blobs and the rules over them.
#pragma once

#include <memory>

#include "base/result.h"
#include "serve/operations/daemon.h"
#include "space/spaces.h"
#include "store/file_blobs.h"
#include "store/lock.h"
#include "store/sqlite_catalog.h"

namespace qrx::serve {

class Data {
 public:
  // Kind::locked when another process has it. `events` outlives it.
  static Result<std::unique_ptr<Data>> open(const DataOptions& options, space::Events& events);

  space::Spaces& spaces() { return *spaces_; }
  space::Catalog& catalog() { return *catalog_; }

 private:
  explicit Data(store::DataLock lock) : lock_(std::move(lock)) {}

  store::DataLock lock_;  // given back last
  std::unique_ptr<store::SqliteCatalog> catalog_;
  std::unique_ptr<store::FileBlobs> blobs_;
  std::unique_ptr<space::Spaces> spaces_;
};

}  // namespace qrx::serve
