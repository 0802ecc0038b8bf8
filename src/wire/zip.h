// The records of a ZIP archive (PKWARE APPNOTE 6.3.9) that is written as it goes: entries are stored, their checksum
// follows them, ZIP64 where sizes, places or counts need it. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"

namespace qrx::wire {

struct ZipEntry {
  std::string_view name;  // UTF-8, '/' between parts
  std::uint64_t size = 0;
  WallTime modified;
  std::uint64_t offset = 0;  // of its local header in the archive
  std::uint32_t crc = 0;
  bool executable = false;
};

// In the archive, in this order, for each entry: local header, content, descriptor; then a central record for each,
// then the end. Local headers need name, size and time alone.
// A time that a field of the format cannot hold is the nearest that it can, and is left out of a field that may be
// missing.
std::string zip_local_header(const ZipEntry& entry);
std::string zip_descriptor(const ZipEntry& entry);
std::string zip_central_record(const ZipEntry& entry);
std::string zip_end(std::uint64_t entries, std::uint64_t central_offset, std::uint64_t central_size);

class Crc32 {
 public:
  void update(ByteView bytes);
  std::uint32_t sum() const { return sum_; }

 private:
  std::uint32_t sum_ = 0;
};

}  // namespace qrx::wire
