// The contents of many small files in one answer (qrx-protocol(7), "Many small files at once"): of each a line of JSON,
// then its bytes. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/checksum.h"
#include "base/result.h"
#include "wire/id.h"

namespace qrx::wire {

// Of one request. 64 take from the way to the server what it costs; more would save little, a lost connection would
// cost more, and some proxies take no query of over 2048 bytes (an id has 26, and a comma).
inline constexpr std::size_t most_contents_files = 64;
inline constexpr std::size_t most_contents_line_bytes = 256;  // id, size and sum have some 110

// "files=ID,ID": the query that asks for them.
std::string contents_query(std::span<const Id> files);
// Of a query that holds it. Kind::usage if it is not a list of different ids, Kind::too_large for too many.
Result<std::vector<Id>> parse_contents_query(std::string_view query);

// The line {"file":…,"size":…,"xxh128":…}, then the bytes.
void add_contents(std::string& body, const Id& file, const Xxh128Sum& xxh128, ByteView bytes);

struct AskedFile {
  Id file;
  std::uint64_t size = 0;
};
struct FileContents {
  std::size_t asked = 0;  // which of them it is
  Xxh128Sum xxh128;       // as the line says
  ByteView bytes;         // of the body
};
// Parses a whole body, in which files may be missing. Kind::usage when it is malformed, or has a file that was not
// asked for, comes twice or out of turn, or has another size.
Result<std::vector<FileContents>> parse_contents(std::string_view body, std::span<const AskedFile> asked);
// No body that parse_contents() takes is longer.
std::uint64_t most_contents_bytes(std::span<const AskedFile> asked);

}  // namespace qrx::wire
