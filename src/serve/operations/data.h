// The data directory of one server, opened: lock, catalog, blobs and the rules over them.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "serve/operations/catalog_module.h"
#include "serve/operations/objects.h"
#include "space/spaces.h"
#include "store/file_blobs.h"
#include "store/lock.h"

namespace qrx::serve {

struct DataOptions {
  std::string directory;  // of the lock and the control socket, and of the data unless told otherwise
  std::string catalog;    // path of the database; empty: DIRECTORY/catalog.db
  std::string blobs;      // directory; empty: DIRECTORY
  // Of many nodes, in place of `catalog`: all of them have it, and `blobs`. No address: this is the only node.
  ModuleOptions module;
  ObjectsOptions objects;  // in place of `blobs`, if there is a module for them
  space::Policy policy;
};

class Data {
 public:
  // Kind::locked when another process has it. `events` outlives it.
  static Result<std::unique_ptr<Data>> open(const DataOptions& options, space::Events& events);
  // The data of a server that does not run. Kind::other: there is none in that directory, which is not made (it may be
  // mistyped). Kind::unavailable: a server has it.
  static Result<std::unique_ptr<Data>> take(const DataOptions& options);
  // The same, made if there is none.
  static Result<std::unique_ptr<Data>> make(const DataOptions& options);

  space::Spaces& spaces() { return *spaces_; }
  space::Catalog& catalog() { return *catalog_; }
  space::Blobs& blobs() { return *blobs_; }
  space::SharedCatalog* shared() { return shared_; }  // the same of many nodes; null: this is the only one
  Clock& clock() { return shared_ == nullptr ? system_clock() : shared_->clock(); }

 private:
  Result<void> open_catalog(const DataOptions& options);
  Result<void> fill(const DataOptions& options);

  explicit Data(store::DataLock lock) : lock_(std::move(lock)) {}

  store::DataLock lock_;  // given back last
  std::unique_ptr<space::Catalog> catalog_;
  space::SharedCatalog* shared_ = nullptr;
  std::unique_ptr<space::Blobs> blobs_;
  std::unique_ptr<space::Spaces> spaces_;
};

}  // namespace qrx::serve
