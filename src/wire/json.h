// What the readers and writers of JSON messages share: members by type and range. Private to src/wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/clock.h"
#include "wire/id.h"
#include "wire/json_text.h"
#include "wire/limits.h"
#include "wire/properties.h"

namespace qrx::wire {

// Thrown by the readers, only inside this folder; read_message turns it into an Error.
struct Malformed {
  std::string what;
};

const json* find(const json& object, const char* name);  // null: absent, or null
const json& need(const json& object, const char* name);

std::string as_string(const json& value, const char* name, std::size_t most = most_text_bytes);
std::uint64_t as_number(const json& value, const char* name);
bool as_truth(const json& value, const char* name);
Seconds as_seconds(const json& value, const char* name);  // at most ten years
Id as_id(const json& value, const char* name);
WallTime as_time(const json& value, const char* name);
Xxh128Sum as_sum(const json& value, const char* name);
const json& as_list(const json& value, const char* name);  // of objects

// The members modified and executable, as far as they can be read.
FileProperties read_properties(const json& in);
void write_properties(const FileProperties& properties, json& out);

template <class T, class Read>
Result<T> read_message(std::string_view text, Read&& read) {
  const auto in = parse_object(text);
  if (!in) return tl::unexpected(in.error());
  try {
    T out;
    read(*in, out);
    return out;
  } catch (const Malformed& malformed) {
    return fail(Kind::usage, malformed.what);
  }
}

}  // namespace qrx::wire
