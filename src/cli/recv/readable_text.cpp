#include "cli/recv/readable_text.h"

#include "base/text.h"

namespace qrx::cli {

std::string readable_text(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 1);
  while (!text.empty()) {
    const auto stop = text.find_first_of("\n\t");
    std::string_view part = text.substr(0, stop);
    const bool line_ends = stop != std::string_view::npos && text[stop] == '\n';
    if (line_ends && part.ends_with('\r')) part.remove_suffix(1);
    out += escape_untrusted(part);
    if (stop == std::string_view::npos) break;
    out += text[stop];
    text.remove_prefix(stop + 1);
  }
  if (!out.ends_with('\n')) out += '\n';
  return out;
}

}  // namespace qrx::cli
