#include "cli/events.h"

#include <unistd.h>

#include <cerrno>

#include "base/write_all.h"

namespace qrx::cli {

Result<void> StdoutWriter::event(const wire::JsonLine& event) {
  return json_ ? put(event.line()) : Result<void>{};
}

Result<void> StdoutWriter::line(std::string_view text, char end) {
  return json_ ? Result<void>{} : put(std::string(text) + end);
}

Result<void> StdoutWriter::data(std::string_view bytes) {
  return json_ ? Result<void>{} : put(std::string(bytes));
}

Result<void> StdoutWriter::put(const std::string& line) {
  if (!closed_ && write_all(STDOUT_FILENO, line)) return {};
  // After EPIPE each further write would fail the same way: the run ends by the first.
  if (closed_ || errno == EPIPE) {
    closed_ = true;
    return fail(Kind::other, "standard output was closed");
  }
  return fail_errno("cannot write to standard output");
}

}  // namespace qrx::cli
