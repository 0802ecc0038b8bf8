// What was in a committed delivery: also once it was cleared, as long as its receipt is kept.
// Private to src/space.
#pragma once

#include <memory>
#include <vector>

#include "space/catalog.h"

namespace qrx::space {

struct Delivered {
  bool cleared = false;               // its contents are gone
  std::uint64_t text_bytes = 0;       // of its message, while they are there
  std::vector<const FileRow*> files;  // live as long as this
  std::shared_ptr<const SpaceState> space;
  std::vector<FileRow> past;  // of one that was cleared
};

// Kind::not_found.
Result<Delivered> find_delivered(Catalog& catalog, const Guid& guid, const Id& delivery);

}  // namespace qrx::space
