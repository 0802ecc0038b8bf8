#include "wire/json_text.h"

#include "wire/limits.h"

namespace qrx::wire {

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<json> parse_object(std::string_view text) {
  if (text.size() > most_json_bytes) return fail(Kind::usage, "the message is over 64 MiB");
  bool too_deep = false;
  // 64 MiB of '[' would otherwise become tens of millions of values, one within the other.
  const auto watch_depth = [&too_deep](int depth, json::parse_event_t, json&) {
    if (depth > most_json_depth) too_deep = true;
    return depth <= most_json_depth;
  };
  json in = json::parse(text, watch_depth, /*allow_exceptions=*/false);
  if (in.is_discarded() || too_deep || !in.is_object()) return fail(Kind::usage, "the message is not a JSON object");
  return in;
}

}  // namespace qrx::wire
