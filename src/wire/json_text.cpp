#include "wire/json_text.h"

#include <algorithm>

#include "wire/limits.h"

namespace qrx::wire {

namespace {

// As deep as lists and objects go within each other in text that is JSON; of other text at least as deep as a parser
// gets before it stops.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '"':
        for (++i; i < text.size() && text[i] != '"'; ++i)
          if (text[i] == '\\') ++i;
        break;
      case '[':
      case '{':
        if (++depth > most_json_depth) return true;
        break;
      case ']':
      case '}':
        --depth;
        break;
      default:
        break;
    }
  }
  return false;
}

}  // namespace

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void append_text(std::string& out, std::string_view text) {
  const bool is_plain =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7F && c != '"' && c != '\\'; });
  if (!is_plain) {
    out += dump(json(text));
    return;
  }
  out += '"';
  out += text;
  out += '"';
}

Result<json> parse_object(std::string_view text) {
  if (text.size() > most_json_bytes) return fail(Kind::usage, "the message is over 64 MiB");
  // 64 MiB of '[' would otherwise become tens of millions of values, one within the other. Not by a callback of the
  // parser: with one, it looks at the end of each object through the whole list that holds it.
  if (is_too_deep(text)) return fail(Kind::usage, "the message is not a JSON object");
  json in = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (in.is_discarded() || !in.is_object()) return fail(Kind::usage, "the message is not a JSON object");
  return in;
}

}  // namespace qrx::wire
