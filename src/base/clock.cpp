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
  using std::chrono::sys_days, std::chrono::year, std::chrono::January;
  // Of other years std::chrono knows those of 16 bits only: a later one would become a wrong one.
  if (time < sys_days(year(1000) / January / 1) || time >= sys_days(year(10000) / January / 1)) {
    const std::tm utc = to_utc(time);
    char text[40];
    // Numbers only, which no locale changes.
    std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return text;
  }
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const auto seconds = std::chrono::floor<Seconds>(time - day).count();
  // By hand: lists of thousands of files have one each.
  std::string text = "0000-00-00T00:00:00Z";
  const auto put = [&text](std::size_t at, auto value) {
    text[at] = static_cast<char>('0' + value / 10 % 10);
    text[at + 1] = static_cast<char>('0' + value % 10);
  };
  const int of_date = static_cast<int>(date.year());
  put(0, of_date / 100);
  put(2, of_date % 100);
  put(5, static_cast<unsigned>(date.month()));
  put(8, static_cast<unsigned>(date.day()));
  put(11, seconds / 3600);
  put(14, seconds / 60 % 60);
  put(17, seconds % 60);
  return text;
}

std::optional<WallTime> from_rfc3339(std::string_view text) {
  constexpr std::string_view form = "dddd-dd-ddTdd:dd:ddZ";
  if (text.size() != form.size() || text[0] == '0') return std::nullopt;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) return std::nullopt;
  const auto number = [text](std::size_t at) { return (text[at] - '0') * 10 + (text[at + 1] - '0'); };
  const std::chrono::year_month_day date(std::chrono::year(number(0) * 100 + number(2)),
                                         std::chrono::month(static_cast<unsigned>(number(5))),
                                         std::chrono::day(static_cast<unsigned>(number(8))));
  if (!date.ok() || number(11) > 23 || number(14) > 59 || number(17) > 59) return std::nullopt;
  return WallTime(std::chrono::sys_days(date).time_since_epoch()) + std::chrono::hours(number(11)) +
         std::chrono::minutes(number(14)) + Seconds(number(17));
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
