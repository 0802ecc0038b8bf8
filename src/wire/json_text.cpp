#include "wire/json_text.h"

namespace qrx::wire {

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<json> parse_object(std::string_view text) {
  constexpr std::size_t most_bytes = 64U << 20;
  constexpr int most_depth = 16;
  if (text.size() > most_bytes) return fail(Kind::usage, "the message is over 64 MiB");
  bool too_deep = false;
  const auto watch_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    if (depth > most_depth) too_deep = true;
    return depth <= most_depth;
  };
  json in = json::parse(text, watch_depth, /*allow_exceptions=*/false);
  if (in.is_discarded() || too_deep || !in.is_object()) return fail(Kind::usage, "the message is not a JSON object");
  return in;
}

}  // namespace qrx::wire
