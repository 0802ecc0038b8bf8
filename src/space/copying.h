// All spaces from one pair of stores to another, while nobody serves either: under the same identifiers, so that every
// link goes on to work.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "space/blobs.h"
#include "space/catalog.h"

namespace qrx::space {

struct Stores {
  Catalog& catalog;
  Blobs& blobs;
};

struct Copied {
  std::uint64_t spaces = 0, files = 0, bytes = 0;  // bytes: also those of uploads
  std::uint64_t there = 0;                         // spaces that an earlier run had copied
  // "space GUID: why", of spaces that were not copied; "file ID: why", of files that were, as they are.
  std::vector<std::string> failures;
};

// A space is copied as a whole or not at all: its contents first, durably, then its rows in one transaction. So a run
// that was broken off is taken up by the next. Every file is compared with its checksum on the way. `tell` gets the sum
// so far after each piece of contents and each space. Left out: packs of deliveries that are not committed (nothing in
// them was acknowledged), receipts of deliveries that are gone, and what is in the trash. One thread; blocks.
Result<Copied> copy_spaces(const Stores& from, const Stores& to, const std::function<void(const Copied&)>& tell);

}  // namespace qrx::space
