#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/text.h"

namespace qrx {
namespace {

// A number at the front of a text, as "1.5" or "1,5": `whole` and `fraction` / `parts`.
struct Number {
  std::uint64_t whole = 0, fraction = 0, parts = 1;
};

// `text` is shortened to what follows it.
std::optional<Number> take_number(std::string_view& text) {
  Number number;
  // Digits alone: no sign, no blank. A number of more than 64 bits is an error.
  const auto take = [&text](std::uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const auto digits = static_cast<std::size_t>(end - text.data());
    text.remove_prefix(digits);
    return error == std::errc() ? digits : 0;
  };
  if (take(number.whole) == 0) return std::nullopt;
  if (text.empty() || (text.front() != '.' && text.front() != ',')) return number;
  text.remove_prefix(1);
  // Three digits may be thousands: "1,500".
  const std::size_t digits = take(number.fraction);
  if (digits == 0 || digits > 2) return std::nullopt;
  number.parts = digits == 1 ? 10 : 100;
  return number;
}

std::string_view take_word(std::string_view& text) {
  text = trim(text);
  const auto end = std::min(text.find_first_of("0123456789 \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

// In seconds; 0: no unit of time.
std::uint64_t unit_of_time(std::string_view word) {
  struct Unit {
    std::string_view name;
    std::uint64_t seconds;
  };
  static constexpr Unit units[] = {{"s", 1},         {"sec", 1},     {"secs", 1},     {"second", 1},  {"seconds", 1},
                                   {"m", 60},        {"min", 60},    {"mins", 60},    {"minute", 60}, {"minutes", 60},
                                   {"h", 3600},      {"hr", 3600},   {"hrs", 3600},   {"hour", 3600}, {"hours", 3600},
                                   {"d", 86400},     {"day", 86400}, {"days", 86400}, {"w", 604800},  {"week", 604800},
                                   {"weeks", 604800}};
  for (const Unit& unit : units)
    if (equal_ignoring_case(word, unit.name) && !(word == "M")) return unit.seconds;
  return 0;
}

}  // namespace

std::optional<std::chrono::seconds> parse_duration(std::string_view given) {
  constexpr std::uint64_t most = 3650ULL * 86400;  // ten years, far from any overflow
  const std::string plain = in_plain_letters(given);
  std::string_view text = trim(plain);
  std::uint64_t total = 0;
  bool with_units = false;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number || number->whole > most) return std::nullopt;
    const std::string_view word = take_word(text);
    const std::uint64_t unit = word.empty() ? 1 : unit_of_time(word);
    // "1h30": thirty of what; "1.5": likewise.
    if (unit == 0 || (word.empty() && (with_units || number->parts > 1 || !text.empty()))) return std::nullopt;
    with_units = true;
    total += number->whole * unit + number->fraction * unit / number->parts;
    if (total > most) return std::nullopt;
  }
  return std::chrono::seconds(total);
}

std::optional<std::uint64_t> parse_size(std::string_view given) {
  const std::string plain = in_plain_letters(given);
  std::string_view text = trim(plain);
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  std::string_view unit = take_word(text);
  unsigned shift = 0;
  if (!unit.empty()) {
    constexpr std::string_view suffixes = "kmgt";
    const auto at = suffixes.find(to_lower_ascii(unit.substr(0, 1)));
    if (at != std::string_view::npos) {
      shift = 10 * (static_cast<unsigned>(at) + 1);
      unit.remove_prefix(1);
      if (equal_ignoring_case(unit, "ib") || equal_ignoring_case(unit, "b")) unit = {};
    } else if (equal_ignoring_case(unit, "b")) {
      unit = {};
    }
  }
  if (!unit.empty() || !text.empty() || (number->parts > 1 && shift == 0)) return std::nullopt;
  // Half of the range: the catalogs keep signed numbers.
  if (number->whole > (std::numeric_limits<std::uint64_t>::max() >> 1 >> shift)) return std::nullopt;
  return (number->whole << shift) + (number->fraction << shift) / number->parts;
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
