// The line that shows how far a transfer is: redrawn in place at most ten times a second, gone when something else is
// said. On a terminal that does not move its cursor (TERM=dumb: an editor's shell, a log of a serial line) what it
// would show are plain lines, without a control character: each status once, how far it is every ten seconds.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace qrx::term {

// Bytes a second, smoothed: a moving average that forgets with a time constant of three seconds.
class Rate {
 public:
  void add(Steady now, std::uint64_t bytes_so_far);
  double value() const { return value_; }  // 0 until there is something to say

 private:
  std::optional<Steady> last_;
  std::uint64_t bytes_ = 0;
  double value_ = 0;
};

struct Progress {
  std::string label;  // already escaped
  std::uint64_t bytes = 0;
  std::optional<std::uint64_t> total;
  double rate = 0;
};

// "photo.jpg   45 %  12.3 of 27.1 MiB  5.2 MiB/s  3 s left": exactly as much as fits into `columns`; empty below 40.
std::string progress_line(const Progress& progress, int columns);

// Thread-safe.
class ProgressLine {
 public:
  // Nothing is ever written unless `shown` (a terminal, not --no-progress).
  ProgressLine(int fd, bool shown, Clock& clock = system_clock());
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // There is a line that is redrawn: what changes often may be told by it.
  bool redrawn() const { return redrawn_; }

  void update(std::string_view label, std::uint64_t bytes, std::optional<std::uint64_t> total);
  // A line that stands there until the next update, clear or status: "waiting…". Redrawn, it is cut to the width.
  void status(std::string_view text);
  void clear();
  void start_anew();  // the next update belongs to another transfer: the rate starts over

 private:
  void draw(const std::string& line);
  void erase();

  std::mutex mutex_;
  int fd_;
  bool shown_;
  bool redrawn_;
  Clock& clock_;
  bool drawn_ = false;
  std::string said_;  // the status that was last written as a plain line
  std::optional<Steady> last_draw_;
  Rate rate_;
};

}  // namespace qrx::term
