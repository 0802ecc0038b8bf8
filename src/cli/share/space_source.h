// The space that a stream names, standard input as a rule: an owner link, or the events of qrx-recv --json --keep.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/link.h"

namespace qrx::cli {

// One thread. The descriptor is the caller's, and stays open as long as the process where let_run() was called.
class SpaceSource {
 public:
  explicit SpaceSource(int fd) : fd_(fd) {}

  // Blocks until there is something to share, and says in which space: with a link at once, and what follows the link
  // is never read; with events at each delivery. Absent at the end. Kind::usage: it is neither; Kind::other: it ended
  // without a delivery; Kind::unavailable: a signal that ends the tool came (cli/signals.h).
  Result<std::optional<wire::OwnerLink>> next();

  // Nobody calls next() any more, and who writes the events must not be stopped by that: a thread reads and drops them
  // until they end or the process does.
  void let_run() const;

 private:
  enum class Holds { unknown, link, events };
  Result<std::optional<std::string>> next_line() const;
  Result<bool> take_event(std::string_view line);

  int fd_;
  Holds holds_ = Holds::unknown;
  std::optional<wire::OwnerLink> space_;  // of the events
  bool delivered_ = false;                // at least once
};

}  // namespace qrx::cli
