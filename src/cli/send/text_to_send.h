// A text instead of files: from the command line, standard input or the clipboard. A picture on the clipboard, and a
// text that is too long for a message, become a file in memory.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "send/sources.h"

namespace qrx::cli {

struct TextToSend {
  std::string message;       // the text; empty: there is a file
  send::SourceList sources;  // of the file
  std::string what;          // "a text", "clipboard.png": for people
  UniqueFd memory;           // holds the file, as long as it is sent
};

inline constexpr std::size_t most_text_bytes = 8U << 20;

// Longer than wire::most_message_bytes: the file text.txt. Kind::usage for nothing at all, for what is not UTF-8, and
// beyond most_text_bytes.
Result<TextToSend> text_to_send(std::string text);
// "-" is standard input, to its end.
Result<TextToSend> given_text(const std::string& argument);
Result<TextToSend> clipboard_to_send();

}  // namespace qrx::cli
