#include "cli/send/files_to_send.h"

#include "base/text.h"
#include "cli/counts.h"
#include "cli/signals.h"

namespace qrx::cli {

Result<send::SourceList> files_to_send(const std::vector<std::string>& paths, const std::optional<std::string>& name,
                                       std::string_view done, Messages& messages, StdoutWriter& to_stdout) {
  send::FindOptions how;
  how.name = name;
  // Also asked of each file, so that Ctrl-C ends the search in a large tree.
  how.stopped = [] { return ended_by() != 0; };
  auto sources = send::find_sources(paths, how);
  if (!sources) return sources;
  for (const auto& warning : sources->warnings) messages.warn(warning);
  for (const auto& [path, new_name] : sources->renamed) {
    messages.warn("name changed: " + path + " is " + std::string(done) + " as " + new_name);
    if (auto said = to_stdout.event(Event("renamed").path("from", path).text("to", new_name)); !said)
      return tl::unexpected(said.error());
  }
  return sources;
}

Result<std::size_t> skip_errors(const send::SourceList& sources, bool skip, Messages& messages,
                                StdoutWriter& to_stdout) {
  const auto& errors = sources.errors;
  if (errors.empty()) return 0;
  const bool goes_on = skip && !sources.sources.empty();
  for (std::size_t i = 0; i + (goes_on ? 0 : 1) < errors.size(); ++i) {
    messages.warn(errors[i].what + (goes_on ? "; skipped" : ""));
    if (auto said = to_stdout.event(Event("skipped").text("message", errors[i].what)); goes_on && !said)
      return tl::unexpected(said.error());
  }
  if (goes_on) return errors.size();
  Error last = errors.back();
  if (!skip) {
    const std::string others = errors.size() > 1 ? "these " + std::to_string(errors.size()) : std::string("it");
    last.hint =
        (last.hint.empty() ? "" : last.hint + "; ") + "nothing was sent; --skip-errors leaves " + others + " out";
  }
  return tl::unexpected(last);
}

std::string what_is_sent(const send::SourceList& sources) {
  const auto& all = sources.sources;
  return all.size() == 1 ? escape_untrusted(all[0].name) : count_of_files(all.size());
}

}  // namespace qrx::cli
