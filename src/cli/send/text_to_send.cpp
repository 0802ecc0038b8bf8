#include "cli/send/text_to_send.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/bytes.h"
#include "base/text.h"
#include "base/units.h"
#include "base/write_all.h"
#include "cli/clipboard.h"
#include "cli/signals.h"
#include "wire/limits.h"
#include "wire/messages.h"

namespace qrx::cli {
namespace {

Result<TextToSend> file_in_memory(const std::string& bytes, const std::string& name) {
  TextToSend out;
  out.what = name;
  out.memory.reset(::memfd_create("qrx", MFD_CLOEXEC));
  if (!out.memory) return fail_errno("cannot hold " + name + " in memory");
  if (auto written = write_all(out.memory.get(), bytes, name); !written) return tl::unexpected(written.error());
  auto sources = send::source_in_memory(out.memory.get(), name);
  if (!sources) return tl::unexpected(sources.error());
  out.sources = std::move(*sources);
  return out;
}

Result<std::string> read_standard_input() {
  std::string text;
  char buffer[16384];
  while (text.size() <= most_text_bytes) {
    const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR && ended_by() == 0) continue;
    if (got < 0) return fail_errno("cannot read standard input");
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

}  // namespace

Result<TextToSend> text_to_send(std::string text) {
  if (text.empty()) return fail(Kind::usage, "nothing to send: the text is empty");
  if (text.size() > most_text_bytes)
    return fail(Kind::usage, "a text may have " + format_size(most_text_bytes) + " at most",
                "send it as a file: qrx-send --name text.txt -");
  if (!is_valid_utf8(text))
    return fail(Kind::usage, "this is not a text: it is not UTF-8", "send it as a file: qrx-send --name NAME -");
  // Longer than a message may be: it goes as a file.
  if (text.size() > wire::most_message_bytes) return file_in_memory(text, "text.txt");
  TextToSend out;
  out.what = "a text";
  out.message = std::move(text);
  return out;
}

Result<TextToSend> given_text(const std::string& argument) {
  if (argument != "-") return text_to_send(argument);
  auto text = read_standard_input();
  if (!text) return tl::unexpected(text.error());
  return text_to_send(std::move(*text));
}

Result<TextToSend> clipboard_to_send() {
  auto clipboard = read_clipboard(ended_by_fd());
  if (!clipboard) {
    Error error = clipboard.error();
    if (error.hint.empty()) error.hint = "use --text TEXT, or --text - for a text on stdin";
    return tl::unexpected(std::move(error));
  }
  if (!clipboard->ending.empty()) return file_in_memory(clipboard->bytes, "clipboard." + clipboard->ending);
  return text_to_send(std::move(clipboard->bytes));
}

}  // namespace qrx::cli
