// The server's log: one line an event, as text for people or JSON for machines. Nothing secret is ever given to it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace qrx::serve {

enum class LogForm : std::uint8_t { text, json };

// Thread-safe if `put` is. Values are escaped: names and labels may be given as they came.
class Log {
 public:
  using Fields = std::initializer_list<std::pair<std::string_view, std::string>>;

  // verbosity: -1 errors only, 0 what an operator wants to know, 1 each request, 2 more.
  Log(LogForm form, int verbosity, std::function<void(const std::string& line)> put)
      : form_(form), verbosity_(verbosity), put_(std::move(put)) {}

  bool tells_requests() const { return verbosity_ >= 1; }
  void error(std::string_view event, Fields fields = {}) const { write("error", event, fields); }
  void info(std::string_view event, Fields fields = {}) const {
    if (verbosity_ >= 0) write("info", event, fields);
  }
  void request(std::string_view event, Fields fields = {}) const {
    if (verbosity_ >= 1) write("info", event, fields);
  }

 private:
  void write(std::string_view level, std::string_view event, Fields fields) const;

  LogForm form_;
  int verbosity_;
  std::function<void(const std::string&)> put_;
};

}  // namespace qrx::serve
