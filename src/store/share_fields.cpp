#include <charconv>

#include "store/share_fields.h"

namespace qrx::store {

using wire::ShareEvent;

// "sent 1700000000000 \n": state, milliseconds, reason up to the end of the line.
std::string to_lines(const std::vector<ShareEvent>& history) {
  std::string out;
  for (const ShareEvent& event : history) {
    out += std::string(to_text(event.state)) + ' ' + std::to_string(to_number(event.at)) + ' ' + event.reason;
    out += '\n';
  }
  return out;
}

std::vector<ShareEvent> from_lines(std::string_view text) {
  std::vector<ShareEvent> history;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const auto first = line.find(' ');
    const auto second = first == std::string_view::npos ? first : line.find(' ', first + 1);
    // What is damaged, or of a newer qrx, is left out: a history is for people.
    if (second == std::string_view::npos) continue;
    const auto state = wire::share_state_from_text(line.substr(0, first));
    std::int64_t at = 0;
    std::from_chars(line.data() + first + 1, line.data() + second, at);
    if (state) history.push_back({*state, to_time(at), std::string(line.substr(second + 1))});
  }
  return history;
}

}  // namespace qrx::store
