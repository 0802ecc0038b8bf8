// What the readers and writers of JSON messages share: members by type and range. Private to src/wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/checksum.h"
#include "base/clock.h"
#include "wire/id.h"
#include "wire/json_text.h"
#include "wire/json_value.h"
#include "wire/limits.h"
#include "wire/properties.h"

namespace qrx::wire {

// Thrown by the readers, only inside this folder; read_message turns it into an Error.
struct Malformed {
  std::string what;
};

const JsonValue* find(const JsonValue& object, const char* name);  // null: absent, or null
const JsonValue& need(const JsonValue& object, const char* name);

// As long as the document is there.
std::string_view as_view(const JsonValue& value, const char* name, std::size_t most = most_text_bytes);
std::string as_string(const JsonValue& value, const char* name, std::size_t most = most_text_bytes);
std::uint64_t as_number(const JsonValue& value, const char* name);
bool as_truth(const JsonValue& value, const char* name);
Seconds as_seconds(const JsonValue& value, const char* name);  // at most ten years
Id as_id(const JsonValue& value, const char* name);
WallTime as_time(const JsonValue& value, const char* name);
Xxh128Sum as_sum(const JsonValue& value, const char* name);
const JsonValue& as_list(const JsonValue& value, const char* name);  // of objects

// The members modified and executable, as far as they can be read.
FileProperties read_properties(const JsonValue& in);

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
  void append_to(std::string& out) const { (out += text_) += begun_ ? "}]" : "]"; }
  std::size_t size() const { return text_.size() + 2; }              // at most, as text
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
  const auto document = read_object(text);
  if (!document) return tl::unexpected(document.error());
  try {
    T out;
    read(document->root(), out);
    return out;
  } catch (const Malformed& malformed) {
    return fail(Kind::usage, malformed.what);
  }
}

}  // namespace qrx::wire
