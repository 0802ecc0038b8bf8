#include "base/clock.h"

#include <fmt/format.h>

#include <ctime>

namespace qrx {
namespace {

class SystemClock final : public Clock {
 public:
  Steady steady() const override { return std::chrono::steady_clock::now(); }
  WallTime wall() const override { return std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now()); }
};

std::tm to_utc(WallTime time) {
  const std::time_t seconds = std::chrono::floor<Seconds>(time.time_since_epoch()).count();
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return utc;
}

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

std::string to_rfc3339(WallTime time) {
  const std::tm utc = to_utc(time);
  char text[40];
  // Numbers only, which no locale changes.
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
  std::tm utc{};
  if (::strptime(std::string(text).c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc) == nullptr) return std::nullopt;
  const WallTime time(Seconds(::timegm(&utc)));
  // strptime takes one digit for two, blanks, and the 31st of any month.
  return to_rfc3339(time) == text ? std::optional(time) : std::nullopt;
}

// By hand, as strftime writes %a and %b in the language of the user.
std::string to_http_date(WallTime time) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                           "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm utc = to_utc(time);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT", days[utc.tm_wday], utc.tm_mday, months[utc.tm_mon],
                     utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace qrx
