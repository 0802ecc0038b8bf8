// What a tool says to people, on stderr: one line a message, in the form "qrx-send: cannot read photo.jpg: no such
// file". Every line is escaped here, so names, labels and server texts may be put into it as they came.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace qrx::cli {

// Not thread-safe.
class Messages {
 public:
  explicit Messages(std::string tool) : tool_(std::move(tool)) {}

  void set_quiet(bool quiet) { quiet_ = quiet; }
  void set_verbosity(int verbosity) { verbosity_ = verbosity; }
  bool quiet() const { return quiet_; }
  int verbosity() const { return verbosity_; }
  // Runs before each line: clears a progress line that stands there.
  void before_each(std::function<void()> clear) { clear_ = std::move(clear); }

  void error(const Error& error);                                // always shown, with its hint
  void warn(std::string_view text, std::string_view hint = {});  // "qrx-recv: text", also with --quiet
  void notice(std::string_view text);                            // "qrx-recv: text"; not with --quiet
  void say(std::string_view text);                               // the line as it is; not with --quiet
  void detail(std::string_view text, int level = 1);             // "qrx-recv: text" with -v (level times)
  // Escape sequences and all, not with --quiet: for what the tool made itself, such as a QR code.
  void raw(std::string_view text);

 private:
  void put(std::string line);

  std::string tool_;
  bool quiet_ = false;
  int verbosity_ = 0;
  std::function<void()> clear_;
};

}  // namespace qrx::cli
