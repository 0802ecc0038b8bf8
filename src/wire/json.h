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

FileProperties read_properties(const json& in);  // the members modified and executable, as far as they can be read

// A list of objects as text, member by member, as dump() would write it: a list of thousands of files takes a fraction
// of the time that it takes to make a value of it first. The caller names members in the order of the alphabet, which
// is that of values.
class ListText {
 public:
  ListText& object();  // begins the next one
  ListText& text(std::string_view name, std::string_view value);
  ListText& number(std::string_view name, std::uint64_t value);
  ListText& truth(std::string_view name, bool value);
  ListText& list(std::string_view name, const ListText& value);
  ListText& executable(const FileProperties& properties);  // the member of this name, if it is to have one
  ListText& modified(const FileProperties& properties);    // likewise
  std::string whole() const { return text_ + (begun_ ? "}]" : "]"); }
  std::string only_object() const { return text_.substr(1) + "}"; }  // REQUIRES: there is one

 private:
  ListText& member(std::string_view name);
  std::string text_ = "[";
  bool begun_ = false;  // an object
};
// One object of these members, of which the list comes first or last.
std::string with_list_first(std::string_view name, const ListText& list, const json& rest);
std::string with_list_last(const json& rest, std::string_view name, const ListText& list);

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
