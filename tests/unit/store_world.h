// A catalog or a store of blobs by itself, and rows to put into it.
#pragma once

#include <memory>
#include <stdexcept>

#include "unit/space_world.h"

namespace qrx::test {

inline space::SpaceRow space_row() {
  space::SpaceRow row;
  row.guid = Id::random();
  row.label = "label";
  row.expires = WallTime(Millis(5000));
  return row;
}

inline space::FileRow file_row(const Guid& guid) {
  space::FileRow row;
  row.file = row.blob = Id::random();
  row.guid = guid;
  row.delivery = Id::random();
  row.name = "name";
  row.size = 7;
  return row;
}

inline std::unique_ptr<store::SqliteCatalog> open_catalog(const TempDirectory& directory,
                                                          store::SqliteOptions options = {}) {
  auto opened = store::SqliteCatalog::open(directory / "catalog.db", options);
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

inline std::unique_ptr<store::FileBlobs> open_blobs(const TempDirectory& directory) {
  auto opened = store::FileBlobs::open(directory.path().string(), {});
  if (!opened) throw std::runtime_error(opened.error().what);
  return std::move(*opened);
}

}  // namespace qrx::test
