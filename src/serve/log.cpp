#include "serve/log.h"

#include "base/clock.h"
#include "base/text.h"
#include "wire/json_line.h"

namespace qrx::serve {
namespace {

// escape_untrusted left nothing but printable UTF-8.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : escape_untrusted(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool needs_quotes(std::string_view text) {
  return text.empty() || text.find_first_of(" \"=\\") != std::string_view::npos;
}

}  // namespace

void Log::write(std::string_view level, std::string_view event, Fields fields) const {
  std::string line;
  if (form_ == LogForm::json) {
    // Escaped as the text form is: what reads the JSON and shows a value meets nothing that acts on a terminal.
    wire::JsonLine json;
    json.text("time", to_rfc3339(system_clock().wall())).text("level", level).text("event", escape_untrusted(event));
    for (const auto& [name, value] : fields) json.text(name, escape_untrusted(value));
    line = json.object();
  } else {
    line = "qrx-serve: ";
    line += event;
    for (const auto& [name, value] : fields)
      line += ' ' + std::string(name) + '=' + (needs_quotes(value) ? in_quotes(value) : escape_untrusted(value));
  }
  // In one call: lines of several threads do not mix.
  put_(line + '\n');
}

}  // namespace qrx::serve
