// One JSON object in one line, member by member: what tools say with --json ({"v":1,"event":"space","owner":…}), what
// they keep in small files, what a server logs. A terminal may show such a line: what acts on it, or hides, is escaped.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::wire {

class JsonLine {
 public:
  // Texts that are not UTF-8 get U+FFFD where they are not.
  JsonLine& text(std::string_view name, std::string_view value);
  // Where it is not UTF-8 also as NAME_bytes, percent-encoded, which loses nothing.
  JsonLine& path(std::string_view name, std::string_view value);
  JsonLine& number(std::string_view name, std::uint64_t value);
  JsonLine& boolean(std::string_view name, bool value);
  JsonLine& null(std::string_view name);
  std::string object() const { return json_ + "}"; }
  std::string line() const { return json_ + "}\n"; }

 private:
  JsonLine& member(std::string_view name, std::string_view value);
  std::string json_ = "{";
};

// The members that are texts, numbers or truths, as text; others are left out. Kind::usage for anything but one object
// of at most most_event_bytes. Texts are as hostile as whoever wrote the line was told.
Result<std::map<std::string, std::string>> read_json_line(std::string_view line);

}  // namespace qrx::wire
