#include "wire/json.h"

#include <algorithm>

#include "base/bytes.h"

namespace qrx::wire {

// null is as good as missing.
const json* find(const json& object, const char* name) {
  const auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

namespace {

// As people say it: "max size" of max_size.
std::string said(const char* name) {
  std::string out(name);
  for (char& c : out)
    if (c == '_') c = ' ';
  return out;
}

}  // namespace

const json& need(const json& object, const char* name) {
  const json* value = find(object, name);
  if (value == nullptr) throw Malformed{said(name) + " is missing"};
  return *value;
}

std::string as_string(const json& value, const char* name, std::size_t most) {
  if (!value.is_string()) throw Malformed{said(name) + " is not a text"};
  // Unlike the others, this can happen to people, by what they typed: so it is a whole sentence.
  if (value.get_ref<const std::string&>().size() > most)
    throw Malformed{"the " + said(name) + " is longer than " + std::to_string(most) + " bytes"};
  return value.get<std::string>();
}

std::uint64_t as_number(const json& value, const char* name) {
  // Neither -1 nor 1.0 is a count.
  if (!value.is_number_unsigned()) throw Malformed{said(name) + " is not a whole number"};
  return value.get<std::uint64_t>();
}

bool as_truth(const json& value, const char* name) {
  if (!value.is_boolean()) throw Malformed{said(name) + " is not true or false"};
  return value.get<bool>();
}

Seconds as_seconds(const json& value, const char* name) {
  const std::uint64_t number = as_number(value, name);
  if (number > most_seconds) throw Malformed{said(name) + " is over ten years"};
  return Seconds(number);
}

Id as_id(const json& value, const char* name) {
  const auto id = Id::parse(as_string(value, name));
  if (!id) throw Malformed{said(name) + " is not an id"};
  return *id;
}

WallTime as_time(const json& value, const char* name) {
  const auto time = from_rfc3339(as_string(value, name));
  if (!time) throw Malformed{said(name) + " is not a time"};
  return *time;
}

Xxh128Sum as_sum(const json& value, const char* name) {
  const auto bytes = from_hex(as_string(value, name));
  Xxh128Sum sum;
  if (!bytes || bytes->size() != sum.size()) throw Malformed{said(name) + " is not a sum"};
  std::copy(bytes->begin(), bytes->end(), sum.begin());
  return sum;
}

const json& as_list(const json& value, const char* name) {
  if (!value.is_array()) throw Malformed{said(name) + " is not a list"};
  // The readers look members up in each.
  for (const json& item : value)
    if (!item.is_object()) throw Malformed{"a part of " + said(name) + " is not an object"};
  return value;
}

// What cannot be read is ignored: a date costs no file (qrx-protocol(7), "Kept properties").
FileProperties read_properties(const json& in) {
  FileProperties out;
  if (const json* v = find(in, "modified"); v != nullptr && v->is_string())
    if (const auto time = from_rfc3339(v->get_ref<const std::string&>()))
      out.modified = kept_time(std::chrono::floor<Seconds>(time->time_since_epoch()).count());
  if (const json* v = find(in, "executable")) out.executable = v->is_boolean() && v->get<bool>();
  return out;
}

ListText& ListText::object() {
  text_ += begun_ ? "},{" : "{";
  begun_ = true;
  return *this;
}

ListText& ListText::member(std::string_view name) {
  if (text_.back() != '{') text_ += ',';
  text_ += '"';
  text_ += name;
  text_ += "\":";
  return *this;
}

ListText& ListText::text(std::string_view name, std::string_view value) {
  append_text(member(name).text_, value);
  return *this;
}

ListText& ListText::number(std::string_view name, std::uint64_t value) {
  member(name).text_ += std::to_string(value);
  return *this;
}

ListText& ListText::truth(std::string_view name, bool value) {
  member(name).text_ += value ? "true" : "false";
  return *this;
}

ListText& ListText::list(std::string_view name, const ListText& value) {
  member(name).text_ += value.whole();
  return *this;
}

ListText& ListText::executable(const FileProperties& properties) {
  return properties.executable ? truth("executable", true) : *this;
}

ListText& ListText::modified(const FileProperties& properties) {
  return properties.modified ? text("modified", to_rfc3339(*properties.modified)) : *this;
}

// REQUIRES: `rest` has a member.
std::string with_list_first(std::string_view name, const ListText& list, const json& rest) {
  const std::string text = dump(rest);
  return "{\"" + std::string(name) + "\":" + list.whole() + "," + text.substr(1);
}

std::string with_list_last(const json& rest, std::string_view name, const ListText& list) {
  std::string text = dump(rest);
  text.pop_back();
  return text + ",\"" + std::string(name) + "\":" + list.whole() + "}";
}

}  // namespace qrx::wire
