// Questions to the person at the terminal, by /dev/tty, whatever stdin and stdout are.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::cli {

class Asking {
 public:
  // Kind::usage when there is no terminal to ask at.
  static Result<Asking> open(std::string_view what_for);

  // "Continue? [y/N] ": the question is escaped here. Only y and yes are a yes; the end of input and a signal are a no.
  bool yes(std::string_view question);

  // "Save photo.jpg (12.3 MiB)? [y/N/d/a] ". all() is true once the answer was "a" (all that follow).
  // The end of input and a signal are "later".
  enum class Choice : std::uint8_t { save, later, discard };
  Choice choose(std::string_view question);
  bool all() const { return all_; }

 private:
  // What was typed on one line, in lower case; nothing at the end of input and at a signal.
  std::optional<std::string> answer_to(const std::string& prompt);

  UniqueFd terminal_;
  bool all_ = false;
  bool explained_ = false;
};

}  // namespace qrx::cli
