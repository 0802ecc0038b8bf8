#include "wire/event_line.h"

#include "wire/json.h"

namespace qrx::wire {

Result<std::map<std::string, std::string>> read_event_line(std::string_view line) {
  if (line.size() > most_event_bytes) return fail(Kind::usage, "a line of more than 1 MiB is no event");
  const auto in = parse_object(line);
  if (!in) return tl::unexpected(in.error());
  std::map<std::string, std::string> out;
  for (const auto& [name, value] : in->items()) {
    if (value.is_string())
      out[name] = value.get<std::string>();
    else if (value.is_number() || value.is_boolean())
      out[name] = dump(value);
  }
  return out;
}

}  // namespace qrx::wire
