#include "wire/zip.h"

#include <zlib.h>

#include <algorithm>
#include <ctime>
#include <limits>

namespace qrx::wire {
namespace {

// Numbers of PKWARE's APPNOTE.TXT, all little-endian. What each record begins with (4.3):
constexpr std::uint64_t local_header = 0x04034B50;
constexpr std::uint64_t descriptor = 0x08074B50;
constexpr std::uint64_t central_record = 0x02014B50;
constexpr std::uint64_t zip64_end = 0x06064B50;
constexpr std::uint64_t zip64_locator = 0x07064B50;
constexpr std::uint64_t end_of_directory = 0x06054B50;
// Extra fields: the sizes that are too large for 32 bits (4.5.3), and the extended time stamp of Info-ZIP.
constexpr std::uint64_t zip64_field = 1;
constexpr std::uint64_t time_field = 0x5455;
// A field that has its most says that the ZIP64 one counts.
constexpr std::uint64_t most_32 = 0xFFFFFFFF;
constexpr std::uint64_t most_16 = 0xFFFF;
constexpr unsigned version_plain = 20;  // what an unpacker has to know, in tenths (4.4.3)
constexpr unsigned version_zip64 = 45;
constexpr unsigned made_on_unix = 3 << 8;       // so that the upper half of the attributes are a mode (4.4.2)
constexpr unsigned flags = 1U << 3 | 1U << 11;  // a descriptor follows; the name is UTF-8

class Record {
 public:
  Record& u16(std::uint64_t value) { return put(value, 2); }
  Record& u32(std::uint64_t value) { return put(value, 4); }
  Record& u64(std::uint64_t value) { return put(value, 8); }
  Record& text(std::string_view text) {
    out_ += text;
    return *this;
  }
  std::string take() { return std::move(out_); }

 private:
  Record& put(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  std::string out_;
};

bool is_large(std::uint64_t value) {
  return value >= most_32;
}
std::uint64_t in_32(std::uint64_t value) {
  return is_large(value) ? most_32 : value;
}

std::time_t seconds_of(WallTime time) {
  return static_cast<std::time_t>(time.time_since_epoch().count() / 1000);
}

// UTC, because no zone is known; the extended time stamp beside it says the same exactly.
void put_dos_time(Record& out, WallTime time) {
  const std::time_t seconds = seconds_of(time);
  std::tm at{};
  if (::gmtime_r(&seconds, &at) == nullptr || at.tm_year < 80) {
    out.u16(0).u16(1U << 5 | 1U);  // 1980-01-01
    return;
  }
  if (at.tm_year > 80 + 127) {
    out.u16(23U << 11 | 59U << 5 | 29U).u16(127U << 9 | 12U << 5 | 31U);  // 2107-12-31T23:59:58
    return;
  }
  out.u16(static_cast<unsigned>(at.tm_hour << 11 | at.tm_min << 5 | at.tm_sec / 2));
  out.u16(static_cast<unsigned>((at.tm_year - 80) << 9 | (at.tm_mon + 1) << 5 | at.tm_mday));
}

// Of 32 bits, which unpackers take for signed: for later times the other field must do.
std::string time_stamp(WallTime time) {
  if (seconds_of(time) < 0 || seconds_of(time) > std::numeric_limits<std::int32_t>::max()) return {};
  return Record()
      .u16(time_field)
      .u16(5)
      .text(std::string_view("\1", 1))
      .u32(static_cast<std::uint64_t>(seconds_of(time)))
      .take();
}

}  // namespace

std::string zip_local_header(const ZipEntry& entry) {
  const bool large = is_large(entry.size);
  std::string extra = time_stamp(entry.modified);
  if (large) extra += Record().u16(zip64_field).u16(16).u64(entry.size).u64(entry.size).take();
  Record out;
  out.u32(local_header).u16(large ? version_zip64 : version_plain).u16(flags).u16(0);
  put_dos_time(out, entry.modified);
  // The checksum is not known yet: 0, and bit 3 of the flags says that the descriptor has it (4.4.4).
  // The size is told here too, although the descriptor repeats it: who reads from a pipe finds the end by it.
  out.u32(0).u32(in_32(entry.size)).u32(in_32(entry.size)).u16(entry.name.size()).u16(extra.size());
  return out.text(entry.name).text(extra).take();
}

std::string zip_descriptor(const ZipEntry& entry) {
  Record out;
  out.u32(descriptor).u32(entry.crc);
  // 4.3.9.2: of eight bytes where the local header has a ZIP64 field.
  if (is_large(entry.size))
    out.u64(entry.size).u64(entry.size);
  else
    out.u32(entry.size).u32(entry.size);
  return out.take();
}

std::string zip_central_record(const ZipEntry& entry) {
  Record large;
  // 4.5.3: only those that do not fit below, and in this order.
  if (is_large(entry.size)) large.u64(entry.size).u64(entry.size);
  if (is_large(entry.offset)) large.u64(entry.offset);
  const std::string fields = large.take();
  std::string extra = time_stamp(entry.modified);
  if (!fields.empty()) extra += Record().u16(zip64_field).u16(fields.size()).text(fields).take();
  const unsigned version = fields.empty() ? version_plain : version_zip64;
  Record out;
  out.u32(central_record).u16(made_on_unix | version).u16(version).u16(flags).u16(0);
  put_dos_time(out, entry.modified);
  out.u32(entry.crc).u32(in_32(entry.size)).u32(in_32(entry.size)).u16(entry.name.size()).u16(extra.size()).u16(0);
  // The upper half is st_mode: unzip sets it, and makes a file of mode 0 of what has none.
  out.u16(0).u16(0).u32((entry.executable ? 0100755ULL : 0100644ULL) << 16).u32(in_32(entry.offset));
  return out.text(entry.name).text(extra).take();
}

std::string zip_end(std::uint64_t entries, std::uint64_t central_offset, std::uint64_t central_size) {
  Record out;
  if (entries >= most_16 || is_large(central_offset) || is_large(central_size)) {
    // 44: what follows of this record (4.3.14.1), without its first 12 bytes.
    out.u32(zip64_end).u64(44).u16(made_on_unix | version_zip64).u16(version_zip64).u32(0).u32(0);
    out.u64(entries).u64(entries).u64(central_size).u64(central_offset);
    // Where the ZIP64 end stands: right behind the central directory.
    out.u32(zip64_locator).u32(0).u64(central_offset + central_size).u32(1);
  }
  const std::uint64_t count = std::min(entries, most_16);
  out.u32(end_of_directory)
      .u16(0)
      .u16(0)
      .u16(count)
      .u16(count)
      .u32(in_32(central_size))
      .u32(in_32(central_offset))
      .u16(0);
  return out.take();
}

void Crc32::update(ByteView bytes) {
  sum_ = static_cast<std::uint32_t>(::crc32_z(sum_, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace qrx::wire
