#include "cli/events.h"

#include <unistd.h>

#include <cerrno>

#include "base/write_all.h"

namespace qrx::cli {

Result<void> Facts::event(const wire::JsonLine& event) {
  return json_ ? put(event.line()) : Result<void>{};
}

Result<void> Facts::line(std::string_view text, char end) {
  return json_ ? Result<void>{} : put(std::string(text) + end);
}

Result<void> Facts::data(std::string_view bytes) {
  return json_ ? Result<void>{} : put(std::string(bytes));
}

Result<void> Facts::put(const std::string& line) {
  if (!closed_ && write_all(STDOUT_FILENO, line)) return {};
  // After EPIPE each further write would fail the same way: the run ends by the first.
  if (closed_ || errno == EPIPE) {
    closed_ = true;
    return fail(Kind::other, "standard output was closed");
  }
  return fail_errno("cannot write to standard output");
}

}  // namespace qrx::cli
