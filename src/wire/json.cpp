#include "wire/json.h"

#include <charconv>

#include "base/bytes.h"
#include "base/fixed_bytes.h"

namespace qrx::wire {

// null is as good as missing.
const JsonValue* find(const JsonValue& object, const char* name) {
  const JsonValue* value = object.find(name);
  return value == nullptr || value->is_null() ? nullptr : value;
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

const JsonValue& need(const JsonValue& object, const char* name) {
  const JsonValue* value = find(object, name);
  if (value == nullptr) throw Malformed{said(name) + " is missing"};
  return *value;
}

std::string_view as_view(const JsonValue& value, const char* name, std::size_t most) {
  if (!value.is_text()) throw Malformed{said(name) + " is not a text"};
  // Unlike the others, this can happen to people, by what they typed: so it is a whole sentence.
  if (value.text().size() > most)
    throw Malformed{"the " + said(name) + " is longer than " + std::to_string(most) + " bytes"};
  return value.text();
}

std::string as_string(const JsonValue& value, const char* name, std::size_t most) {
  return std::string(as_view(value, name, most));
}

std::uint64_t as_number(const JsonValue& value, const char* name) {
  std::uint64_t number = 0;
  const char* end = value.text().data() + value.text().size();
  // Neither -1 nor 1.0 is a count.
  const auto [at, error] = value.is_number() ? std::from_chars(value.text().data(), end, number)
                                             : std::from_chars_result{nullptr, std::errc::invalid_argument};
  if (error != std::errc() || at != end) throw Malformed{said(name) + " is not a whole number"};
  return number;
}

bool as_truth(const JsonValue& value, const char* name) {
  if (!value.is_truth()) throw Malformed{said(name) + " is not true or false"};
  return value.text() == "true";
}

Seconds as_seconds(const JsonValue& value, const char* name) {
  const std::uint64_t number = as_number(value, name);
  if (number > most_seconds) throw Malformed{said(name) + " is over ten years"};
  return Seconds(number);
}

Id as_id(const JsonValue& value, const char* name) {
  const auto id = Id::parse(as_view(value, name));
  if (!id) throw Malformed{said(name) + " is not an id"};
  return *id;
}

WallTime as_time(const JsonValue& value, const char* name) {
  const auto time = from_rfc3339(as_view(value, name));
  if (!time) throw Malformed{said(name) + " is not a time"};
  return *time;
}

Xxh128Sum as_sum(const JsonValue& value, const char* name) {
  Xxh128Sum sum;
  if (!from_hex(as_view(value, name), sum)) throw Malformed{said(name) + " is not a sum"};
  return sum;
}

const JsonValue& as_list(const JsonValue& value, const char* name) {
  if (!value.is_list()) throw Malformed{said(name) + " is not a list"};
  // The readers look members up in each.
  for (const JsonValue& item : value)
    if (!item.is_object()) throw Malformed{"a part of " + said(name) + " is not an object"};
  return value;
}

// What cannot be read is ignored: a date costs no file (qrx-protocol(7), "Kept properties").
FileProperties read_properties(const JsonValue& in) {
  FileProperties out;
  if (const JsonValue* v = find(in, "modified"); v != nullptr && v->is_text())
    if (const auto time = from_rfc3339(v->text()))
      out.modified = kept_time(std::chrono::floor<Seconds>(time->time_since_epoch()).count());
  if (const JsonValue* v = find(in, "executable")) out.executable = v->is_truth() && v->text() == "true";
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
  value.append_to(member(name).text_);
  return *this;
}

ListText& ListText::executable(const FileProperties& properties) {
  return properties.executable ? truth("executable", true) : *this;
}

ListText& ListText::modified(const FileProperties& properties) {
  return properties.modified ? text("modified", to_rfc3339(*properties.modified)) : *this;
}

namespace {

void append_list(std::string& out, std::string_view name, const ListText& list) {
  ((out += '"') += name) += "\":";
  list.append_to(out);
}

}  // namespace

// REQUIRES: `rest` has a member.
std::string with_list_first(std::string_view name, const ListText& list, const json& rest) {
  const std::string text = dump(rest);
  std::string out = "{";
  // A list may be megabytes: it is copied once.
  out.reserve(list.size() + name.size() + text.size() + 8);
  append_list(out, name, list);
  out += ',';
  return out.append(text, 1);
}

std::string with_list_last(const json& rest, std::string_view name, const ListText& list) {
  std::string out = dump(rest);
  out.reserve(list.size() + name.size() + out.size() + 8);
  out.back() = ',';
  append_list(out, name, list);
  return out += '}';
}

}  // namespace qrx::wire
