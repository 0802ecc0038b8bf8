// Time, behind an interface so that tests can move it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace qrx {

using Seconds = std::chrono::seconds;
using Millis = std::chrono::milliseconds;
using Steady = std::chrono::steady_clock::time_point;

// Wall time: whole milliseconds since 1970-01-01T00:00:00Z.
using WallTime = std::chrono::time_point<std::chrono::system_clock, Millis>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Steady steady() const = 0;  // for timers and deadlines
  virtual WallTime wall() const = 0;  // for what people and other machines see
};

Clock& system_clock();  // thread-safe

std::string to_rfc3339(WallTime time);                        // 2026-11-22T23:00:00Z, seconds
std::optional<WallTime> from_rfc3339(std::string_view text);  // only the form that to_rfc3339 writes

// RFC 9110 IMF-fixdate: Sun, 22 Nov 2026 23:00:00 GMT
std::string to_http_date(WallTime time);

}  // namespace qrx
