// What one run of qrx-send sends: files, trees and streams, or a text. Checked before a link is looked for: nobody
// should hold a phone up to a code and then learn that a file is missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cli/events.h"
#include "cli/options.h"
#include "cli/send/send_settings.h"
#include "cli/user_messages.h"
#include "send/sources.h"

namespace qrx::cli {

struct WhatToSend {
  send::SourceList sources;
  std::string message;      // with them, or alone: a text
  std::string shown;        // "photo.jpg", "3 files", "a text": for people, escaped
  bool passing = false;     // it is not there for another run: nothing of it can be resumed
  UniqueFd memory;          // holds a file of `sources`, if need be
  std::size_t skipped = 0;  // of what was asked for

  // Of all files, or of a text. A stream, of which nobody knows, counts nothing.
  std::uint64_t bytes() const { return sources.sources.empty() ? message.size() : sources.known_bytes; }
};

// Blocks while trees and standard input are read. What cannot be sent is told, all at once; with --skip-errors it is
// left out.
Result<WhatToSend> what_to_send(const SendSettings& set, const Options& options, Messages& messages,
                                StdoutWriter& to_stdout);

}  // namespace qrx::cli
