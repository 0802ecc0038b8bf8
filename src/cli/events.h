// What a tool says to machines, on stdout: lines of facts, or with --json one object a line, {"v":1,"event":"saved",…}.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

// One event, built member by member. Texts that are not UTF-8 get U+FFFD where they are not.
class Event {
 public:
  explicit Event(std::string_view name);
  Event& text(std::string_view member, std::string_view value);
  // Where it is not UTF-8 also as NAME_bytes, percent-encoded, which loses nothing.
  Event& path(std::string_view member, std::string_view value);
  Event& number(std::string_view member, std::uint64_t value);
  Event& boolean(std::string_view member, bool value);
  Event& null(std::string_view member);
  std::string line() const;  // with the newline

 private:
  void member(std::string_view name);
  std::string json_;
};

std::string json_quoted(std::string_view text);

// stdout. Each line is written at once: a reader at the other end of a pipe sees it when it happens.
// Not thread-safe. After the reader went away every call answers Kind::other and closed() is true; the tool then ends
// with exit_code_of_signal(SIGPIPE) and no message, as a tool ended by SIGPIPE does.
class Facts {
 public:
  explicit Facts(bool json = false) : json_(json) {}
  bool json() const { return json_; }
  bool closed() const { return closed_; }

  Result<void> event(const Event& event);                     // only with --json
  Result<void> line(std::string_view text, char end = '\n');  // only without: as it is, not escaped
  Result<void> data(std::string_view bytes);                  // only without: these bytes and nothing else

 private:
  Result<void> put(const std::string& line);

  bool json_;
  bool closed_ = false;
};

}  // namespace qrx::cli
