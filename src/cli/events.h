// What a tool says to machines, on stdout: lines of text, or with --json one object a line, {"v":1,"event":"saved",…}.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/json_line.h"

namespace qrx::cli {

// One event: {"v":1,"event":NAME, and its members as they are added.
class Event : public wire::JsonLine {
 public:
  explicit Event(std::string_view name) { number("v", 1).text("event", name); }
};

// stdout. Each line is written at once: a reader at the other end of a pipe sees it when it happens.
// Not thread-safe. After the reader went away every call answers Kind::other and closed() is true; the tool then ends
// with exit_code_of_signal(SIGPIPE) and no message, as a tool ended by SIGPIPE does.
class StdoutWriter {
 public:
  explicit StdoutWriter(bool json = false) : json_(json) {}
  bool json() const { return json_; }
  bool closed() const { return closed_; }

  Result<void> event(const wire::JsonLine& event);            // only with --json
  Result<void> line(std::string_view text, char end = '\n');  // only without: as it is, not escaped
  Result<void> data(std::string_view bytes);                  // only without: these bytes and nothing else

 private:
  Result<void> put(const std::string& line);

  bool json_;
  bool closed_ = false;
};

}  // namespace qrx::cli
