#include "cli/local_time.h"

#include <ctime>

#include "base/text.h"

namespace qrx::cli {

std::string local_time(WallTime time, WallTime now) {
  const auto parts = [](WallTime at) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
    std::tm out{};
    ::localtime_r(&seconds, &out);
    return out;
  };
  const auto same_day = [](const std::tm& a, const std::tm& b) {
    return a.tm_year == b.tm_year && a.tm_yday == b.tm_yday;
  };
  const std::tm then = parts(time);
  const char* form = "%e %b %H:%M";
  if (same_day(then, parts(now)))
    form = "%H:%M";
  else if (same_day(then, parts(now + std::chrono::hours(24))))
    form = "tomorrow %H:%M";
  else if (time > now + std::chrono::hours(24 * 180))
    form = "%e %b %Y";  // else one could take it for this year
  char text[64];
  std::strftime(text, sizeof text, form, &then);
  return std::string(trim(text));
}

}  // namespace qrx::cli
