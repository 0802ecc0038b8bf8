#include "base/units.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "base/text.h"

namespace qrx {
namespace {

// The number at the front of `text`, which is shortened to what follows it.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  // Digits alone: no sign, no blank. A number of more than 64 bits is an error.
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::uint64_t most = 3650ULL * 86400;  // ten years, far from any overflow
  std::uint64_t total = 0;
  bool with_units = false;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number || *number > most) return std::nullopt;
    std::uint64_t unit = 1;
    if (!text.empty()) {
      switch (text.front()) {
        case 's':
          unit = 1;
          break;
        case 'm':
          unit = 60;
          break;
        case 'h':
          unit = 3600;
          break;
        case 'd':
          unit = 86400;
          break;
        default:
          return std::nullopt;
      }
      text.remove_prefix(1);
      with_units = true;
    } else if (with_units) {
      return std::nullopt;  // "1h30": thirty of what
    }
    total += *number * unit;
    if (total > most) return std::nullopt;
  }
  return std::chrono::seconds(total);
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  unsigned shift = 0;
  if (!text.empty()) {
    constexpr std::string_view suffixes = "kmgt";
    const auto at = suffixes.find(to_lower_ascii(text.substr(0, 1)));
    if (at != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(at) + 1);
      text.remove_prefix(1);
      if (equal_ignoring_case(text, "ib") || equal_ignoring_case(text, "b")) text = {};
    } else if (equal_ignoring_case(text, "b")) {
      text = {};
    }
  }
  if (!text.empty()) return std::nullopt;
  // Half of the range: the catalogs keep signed numbers.
  if (*number > (std::numeric_limits<std::uint64_t>::max() >> 1 >> shift)) return std::nullopt;
  return *number << shift;
}

std::string format_size(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < std::size(units)) {
    value /= 1024;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", bytes) : fmt::format("{:.1f} {}", value, units[unit]);
}

std::string format_duration(std::chrono::seconds duration) {
  const auto seconds = duration.count();
  // The larger unit from two of it on: "119 s", "2 min", "119 min", "2 h", "47 h", "2 days".
  if (seconds < 120) return fmt::format("{} s", seconds);
  if (seconds < 7200) return fmt::format("{} min", seconds / 60);
  if (seconds >= 172800) return fmt::format("{} days", seconds / 86400);
  const auto minutes = seconds % 3600 / 60;
  return minutes > 0 ? fmt::format("{} h {} min", seconds / 3600, minutes) : fmt::format("{} h", seconds / 3600);
}

}  // namespace qrx
