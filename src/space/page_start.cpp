#include "space/page_start.h"

#include <charconv>

namespace qrx::space {
namespace {

// Takes digits, and the dash behind them unless they are the last.
template <class Number>
bool take(std::string_view& text, Number& number, bool is_last) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // from_chars reads a minus sign into a signed number: the dash is ours alone.
  if (error != std::errc() || text.starts_with('-')) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (is_last) return text.empty();
  if (!text.starts_with('-')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

// "1700000000000-12-345": milliseconds, number of the delivery, number of the file.
std::string to_text(const PageStart& start) {
  return std::to_string(start.committed.time_since_epoch().count()) + "-" + std::to_string(start.delivery) + "-" +
         std::to_string(start.file);
}

std::optional<PageStart> page_start_from_text(std::string_view text) {
  PageStart start;
  Millis::rep time = 0;
  if (!take(text, time, false) || !take(text, start.delivery, false) || !take(text, start.file, true))
    return std::nullopt;
  start.committed = WallTime(Millis(time));
  return start;
}

}  // namespace qrx::space
