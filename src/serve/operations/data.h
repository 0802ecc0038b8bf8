// The data directory of one server, opened: lock, catalog, blobs and the rules over them.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "space/spaces.h"
#include "store/file_blobs.h"
#include "store/lock.h"
#include "store/sqlite_catalog.h"

namespace qrx::serve {

struct DataOptions {
  std::string directory;  // of the lock and the control socket, and of the data unless told otherwise
  std::string catalog;    // path of the database; empty: DIRECTORY/catalog.db
  std::string blobs;      // directory; empty: DIRECTORY
  space::Policy policy;
};

class Data {
 public:
  // Kind::locked when another process has it. `events` outlives it.
  static Result<std::unique_ptr<Data>> open(const DataOptions& options, space::Events& events);
  // The data of a server that does not run. Kind::other: there is none in that directory, which is not made (it may be
  // mistyped). Kind::unavailable: a server has it.
  static Result<std::unique_ptr<Data>> take(const DataOptions& options);

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
