#include "cli/user_messages.h"

#include <unistd.h>

#include "base/text.h"
#include "base/write_all.h"

namespace qrx::cli {

// One write a message, so that lines of several tools in one pipeline do not mix. When nobody reads stderr any more,
// nothing is left to say.
void Messages::put(std::string line) {
  if (clear_) clear_();
  line += '\n';
  (void)write_all(STDERR_FILENO, line);
}

void Messages::error(const Error& error) {
  warn(error.what, error.hint);
}

void Messages::warn(std::string_view text, std::string_view hint) {
  std::string line = tool_ + ": " + escape_untrusted(text);
  if (!hint.empty()) line += "\nhint: " + escape_untrusted(hint);
  put(std::move(line));
}

void Messages::notice(std::string_view text) {
  if (!quiet_) put(tool_ + ": " + escape_untrusted(text));
}

void Messages::say(std::string_view text) {
  if (!quiet_) put(escape_untrusted(text));
}

void Messages::detail(std::string_view text, int level) {
  if (verbosity_ >= level) put(tool_ + ": " + escape_untrusted(text));
}

void Messages::raw(std::string_view text) {
  if (quiet_) return;
  if (clear_) clear_();
  (void)write_all(STDERR_FILENO, text);
}

}  // namespace qrx::cli
