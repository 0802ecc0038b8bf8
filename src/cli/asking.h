// Questions to the person at the terminal, by /dev/tty, whatever stdin and stdout are.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace qrx::cli {

class Asking {
 public:
  // Kind::usage when there is no terminal to ask at.
  static Result<Asking> open(std::string_view what_for);

  // "Save photo.jpg (12.3 MiB)? [y/N] ": the question is escaped here. Only y and yes are a yes; the end of input and a
  // signal are a no. all() is true once the answer was "a" (all that follow).
  bool yes(std::string_view question, bool offer_all = false);
  bool all() const { return all_; }

 private:
  UniqueFd terminal_;
  bool all_ = false;
};

}  // namespace qrx::cli
