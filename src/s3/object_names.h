// What objects are called below the prefix: hh/BLOB/WRITER.N, and catalog/ID for whose they are. Private to src/s3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "space/blobs.h"

namespace qrx::s3 {

// Spread by the first byte of the key; no two writers ever give the same name.
std::string object_name(const space::BlobKey& blob, const std::string& writer, std::uint64_t number);
std::optional<space::BlobKey> blob_of(std::string_view object);

// Of an object that several blobs share: it says since when, by the clock of all nodes.
std::string shared_name(const std::string& object, WallTime now);
std::optional<WallTime> shared_since(std::string_view object);

inline constexpr const char* owners = "catalog/";  // begins the names of what says whose the objects are

}  // namespace qrx::s3
